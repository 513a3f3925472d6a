"""What would run, and why. Starts no job: it looks at code, settings, lists of files, and manifests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from . import code, conditions, inputs, place, reasons
from .leaf import Leaf, key
from .look import Shared
from .modules import Module, ordered
from .step import MAYBE, READ, RUN, Plan, Step
from .store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Decider:
    """Decides module after module. Code, settings and inputs are those of one moment."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.store: Store = place.find(spark)
        self.settings = conditions.settings(spark)
        self._session = conditions.of_session(spark.version, self.settings)
        self._shared: Shared = {}
        self._inputs: dict[str, inputs.Input] = {}

    def step(self, module: Module, parents: Iterable[tuple[str, Step]]) -> Step:
        """Decide on one module, given its parents' steps by parameter.

        Raises:
            SparkspaceError: its code can't be followed, an input is missing.
        """
        seen = code.look(module, self._shared)
        found = [self._input(name) for name in module.inputs]
        given = conditions.declared(module.conf, self.settings, module.env or (), place.environment())
        # A property that the module names is shared by all if it can matter anyway.
        own = {(leaf.kind, leaf.name): leaf for leaf in [*self._session, *given, *seen.leaves]}
        leaves = [*own.values(), *(each.leaf for each in found)]
        covers = tuple(place for each in found for place in each.covers)
        waiting = [step.module.name for _, step in parents if step.state != READ]
        leaves += [
            Leaf("parent", f"{parameter} ({step.module.name})", step.manifest.data)
            for parameter, step in parents
            if step.manifest and step.state == READ
        ]
        here = key(leaves)
        if waiting:
            return self._waits(module, here, leaves, covers, waiting, seen.fresh)
        return self._decided(module, here, leaves, covers, seen.fresh)

    def _input(self, name: str) -> inputs.Input:
        if name not in self._inputs:
            self._inputs[name] = inputs.look(self.spark, name)
        return self._inputs[name]

    def _decided(
        self, module: Module, here: str, leaves: list[Leaf], covers: tuple[str, ...], fresh: list[str]
    ) -> Step:
        found = self.store.find(module.name, here)
        manifest = found.manifest
        if manifest is None:
            return Step(module, RUN, tuple(self._reasons(module, found.problem, leaves)), here, tuple(leaves), covers,
                        None, tuple(fresh))  # fmt: skip
        changing = _changing(module, [*fresh, *filter(None, [manifest.fresh])])
        if changing:
            return Step(module, RUN, (changing,), here, tuple(leaves), covers, None, tuple(fresh))
        when = datetime.fromtimestamp(manifest.written_ms / 1000, timezone.utc)
        reason = f"nothing has changed since {when:%Y-%m-%d %H:%M:%S} UTC"
        return Step(module, READ, (reason,), here, tuple(leaves), covers, manifest, tuple(fresh))

    def _waits(
        self, module: Module, here: str, leaves: list[Leaf], covers: tuple[str, ...], waiting: list[str],
        fresh: list[str],
    ) -> Step:  # fmt: skip
        """A module whose parents run first: it runs for sure if it has a reason of its own."""
        latest = self.store.latest(module.name)
        changing = _changing(module, [*fresh, *filter(None, [latest.fresh if latest else ""])])
        found = [changing] if changing else ["never run"] if latest is None else []
        if latest:
            kept = [leaf for leaf in latest.leaves if leaf.kind != "parent"]
            found += reasons.changes(kept, [leaf for leaf in leaves if leaf.kind != "parent"])
        state = RUN if found else MAYBE
        each = f"its parent {waiting[0]} runs first" if len(waiting) == 1 else f"{', '.join(waiting)} run first"
        text = tuple(found or [f"{each}; with the same data as before, this would be read"])
        return Step(module, state, text, here, tuple(leaves), covers, None, tuple(fresh))

    def _reasons(self, module: Module, problem: str, leaves: list[Leaf]) -> list[str]:
        if problem:
            return [f"its result was damaged: {problem}"]
        latest = self.store.latest(module.name)
        if latest is None:
            return ["never run, or its result was removed"]
        return reasons.changes(latest.leaves, leaves) or ["its result was removed"]


def _changing(module: Module, fresh: list[str]) -> str:
    if module.deterministic is True:
        return ""
    if module.deterministic is False:
        return "it is declared not deterministic"
    if fresh:
        return f"it gives other data each time: {fresh[0]} (deterministic=True keeps its result)"
    return ""


def plan(*modules: Module) -> Plan:
    """What ``run`` would do for these modules. Errors: see ``Decider.step``."""
    decider = Decider(session())
    steps: dict[str, Step] = {}
    for module in ordered(modules):
        parents = [(name, steps[parent.name]) for name, parent in module.parents.items()]
        steps[module.name] = decider.step(module, parents)
    return Plan(steps.values())


def session() -> SparkSession:
    """The session that is active here, or a new one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is None and SparkContext._active_spark_context is not None:
        active = SparkSession.builder.getOrCreate()  # this thread's first use of the session that is there
    if active is None:
        from ..session import session

        active = session()
    return active
