"""What becomes of a module, and of all: plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .leaf import Leaf
from .manifest import Manifest
from .modules import Module

READ, RUN, MAYBE = "read", "run", "maybe"


@dataclass(frozen=True)
class Step:
    """What becomes of a module: it is read, it runs, or it depends on what its parents' runs give.

    ``manifest``: what is read. ``leaves``: of the key; without those of parents that are not there yet.
    """

    module: Module
    state: str
    reasons: tuple[str, ...]
    key: str
    leaves: tuple[Leaf, ...]
    covers: tuple[str, ...] = ()
    manifest: Manifest | None = None
    fresh: tuple[str, ...] = ()

    def sentence(self) -> str:
        """For a person: ``daily would run: helper mylib.clean.strip changed (mylib/clean.py:12)``."""
        would = {READ: "would be read", RUN: "would run", MAYBE: "may run"}[self.state]
        return f"{self.module.name} {would}: {'; '.join(self.reasons)}"


class Plan:
    """Steps, parents before children. As text: a line for each."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = tuple(steps)

    def __getitem__(self, module: Module) -> Step:
        return next(step for step in self.steps if step.module.name == module.name)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __str__(self) -> str:
        return "\n".join(step.sentence() for step in self.steps)

    __repr__ = __str__
