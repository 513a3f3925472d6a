"""What looking at one function, class or value found, and where a name is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .leaf import Leaf


@dataclass
class Look:
    """What looking at one function, class or value found: ``met`` in the order in which names were given."""

    name: str
    met: list[tuple[Any, str, bool]] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)  # where code does what can't be followed: all of the project counts
    fresh: list[str] = field(default_factory=list)  # where code asks for the time or for chance
    environment: list[str] = field(default_factory=list)  # where code reads environment variables
    modules: set[tuple[int, frozenset[str]]] = field(default_factory=set)


@dataclass(frozen=True)
class Site:
    """Where names are used: by which function of which module, which names in all, and how (``references``)."""

    where: str
    namespace: Mapping[str, Any]
    names: frozenset[str]
    loose: frozenset[str]
    handed_on: frozenset[str] | None  # to whoever may read type hints; None: that can't be told


# Looks of one moment, by name and id of what was looked at: modules share most of what they reach.
Shared = dict[tuple[str, int], Look]
