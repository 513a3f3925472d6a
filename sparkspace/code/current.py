"""Which versions of the user's code a job may run, and what executors say that they ran."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pyspark import SparkContext
from pyspark.accumulators import AddingAccumulatorParam, _accumulatorRegistry

from ..log import notice
from .boot.tasks import ASKED

_STREAM = "sql.streaming.queryId"


class Current:
    """The version that is current, those that it only adds to, and those that something cached was made with."""

    def __init__(self, context: SparkContext) -> None:
        value: Any = Counter()  # pyspark's type of an accumulator wants numbers
        zero: Any = Counter()  # another one: it is added to in place
        self.ran = context.accumulator(value, AddingAccumulatorParam(zero))
        self._context = context
        self._alike: list[str] = []
        self._kept: set[str] = set()
        self._told: set[str] = set()
        self._announced = threading.local()
        _accumulatorRegistry[self.ran.aid] = Heard(self)  # type: ignore[assignment]  # it is given what executors say

    def become(self, digest: str, added: bool) -> None:
        """Another version is current. ``added``: it has all that the one before has, unchanged."""
        self._alike = [*(self._alike if added else []), digest[:12]]

    def keep(self) -> None:
        """Something is cached now: if a part of it is lost, it has to be made again by the version that made it."""
        self._kept.update(self._alike[-1:])

    def announce(self) -> None:
        """Tell the jobs of this thread. A stream goes on with what it was started with."""
        asked = " ".join([*sorted(self._kept.difference(self._alike)), *self._alike])
        if getattr(self._announced, "last", "") != asked and not self._context.getLocalProperty(_STREAM):
            self._context.setLocalProperty(ASKED, asked)
            self._announced.last = asked

    def note(self, ran: Mapping[tuple[str, str], int]) -> None:
        """Executors have said what they ran: tell of a version that is not current, once."""
        self.ran += ran
        for name in {digest[:12] for _, digest in ran} & self._kept - {*self._alike, *self._told}:
            self._told.add(name)
            notice(
                f"Executors run version {name} of your code, from before an edit: something was cached then, and what "
                "belongs to it is computed as it was. Build it again to have the code of now."
            )

    def executors(self) -> dict[str, dict[str, int]]:
        """Executor → version → how many functions it has unpickled with that."""
        found: dict[str, dict[str, int]] = {}
        for (executor, digest), count in dict(self.ran.value).items():
            found.setdefault(executor, {})[digest] = count
        return found


class Heard:
    """In the place of the accumulator, where pyspark adds what comes from executors: nobody else is told when."""

    def __init__(self, current: Current) -> None:
        self._current = current

    def __iadd__(self, ran: Mapping[tuple[str, str], int]) -> Heard:
        self._current.note(ran)
        return self
