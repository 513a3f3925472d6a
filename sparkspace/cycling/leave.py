"""Workers that are to go: they have been told to take no more work, and are looked after until nothing is left there.

Much may change meanwhile: somebody scales by hand, a dyno is restarted, an executor comes in the last moment. So all of
it is looked at again before the formation has fewer.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..cluster import crowd, driver_page, worker
from ..cluster.master import MasterStatus, Worker
from ..heroku import listed

# What is told to leave has no executors; one may have come in that moment, and is waited for.
WITHIN_S = 900.0


@dataclass
class Leave:
    """Workers by the numbers of their dynos, the highest of the formation."""

    before: int  # dynos of the formation when they were told
    to: int  # and how many it is to have
    workers: dict[int, Worker]
    since: float = field(default_factory=lambda: time.monotonic())

    @property
    def is_late(self) -> bool:
        """Whether they have been waited for long enough."""
        return time.monotonic() - self.since > WITHIN_S

    def is_void(self, quantity: int, alive: Mapping[int, Worker]) -> str:
        """Why none of them goes any more; empty: they do.

        Args:
            quantity: dynos of the formation now.
            alive: workers that take work, by number.
        """
        if quantity != self.before:
            return "the-formation-has-changed"
        back = sorted(number for number in self.workers if number in alive)
        return f"worker.{back[0]}-is-back" if back else ""

    def held(self, page: MasterStatus, serves_shuffles: bool) -> dict[int, str]:
        """Who can't go yet, and why. Silence is no answer: a dyno may be too busy to give one."""
        there, files = {one.id for one in page.workers}, Files(page, serves_shuffles)
        found = crowd.ask(lambda one: hold(one, there, files), self.workers.values())
        return {number: why for number, why in zip(self.workers, found, strict=True) if why}

    def strand(self, dynos: list[listed.ListedDyno]) -> list[listed.ListedDyno]:
        """The dynos of those that have no executors: they take no work any more, until they are restarted."""
        found = crowd.ask(worker.applications, self.workers.values())
        idle = {f"worker.{number}" for number, those in zip(self.workers, found, strict=True) if those == []}
        return [dyno for dyno in dynos if dyno.name in idle]


def hold(one: Worker, there: Collection[str], files: Files) -> str:
    """Why a worker that takes no more work can't go; empty: it can.

    Args:
        one: the worker.
        there: ids of the workers that the master knows.
        files: those that may be lost with a worker.
    """
    running = worker.applications(one)
    if running == []:
        return files.kept(one)
    if running is None:
        return "does-not-answer" if one.id in there else ""
    return f"works-for-{running[0]}"


class Files:
    """Shuffle files that workers serve for executors that have ended: they go with the worker."""

    def __init__(self, page: MasterStatus, served: bool) -> None:
        self._url = page.url
        self._running = frozenset(each.id for each in page.applications) if served else frozenset()
        self._known: dict[str, dict[str, int] | None] = {}
        self._asking: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def kept(self, one: Worker) -> str:
        """Of which application this worker has files that may be the only ones; empty: none."""
        if not self._running:
            return ""
        ended = worker.ended(one)
        if ended is None:
            return "does-not-answer"
        served = sorted(each for each in ended if each[0] in self._running)
        return next((f"keeps-files-of-{id}" for id, executor in served if self._may_have_written(id, executor)), "")

    def _may_have_written(self, application: str, executor: str) -> bool:
        """Whether it has, by its driver. One that does not answer, or has forgotten it, may need its files.

        A driver may have counted none of a task that ended just before its executor did: that task is run again.
        """
        with self._asking[application]:  # each driver once, however many workers are looked at together
            if application not in self._known:
                self._known[application] = driver_page.shuffle_bytes(self._url, application)
        known = self._known[application]
        return known is None or known.get(executor, 1) > 0
