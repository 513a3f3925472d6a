"""Workers that are to go: they have been told to take no more work, and are looked after until nothing is left there.

Much may change meanwhile: somebody scales by hand, a dyno is restarted, an executor comes in the last moment. So all of
it is looked at again before the formation has fewer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..cluster import worker
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
        found = {number: hold(one, page, serves_shuffles) for number, one in self.workers.items()}
        return {number: why for number, why in found.items() if why}

    def strand(self, dynos: list[listed.ListedDyno]) -> list[listed.ListedDyno]:
        """The dynos of those that have no executors: they take no work any more, until they are restarted."""
        idle = {f"worker.{number}" for number, one in self.workers.items() if worker.applications(one) == []}
        return [dyno for dyno in dynos if dyno.name in idle]


def hold(one: Worker, page: MasterStatus, serves_shuffles: bool) -> str:
    """Why a worker that takes no more work can't go; empty: it can."""
    running = worker.applications(one)
    if running == []:
        return keeps(one, page) if serves_shuffles else ""
    if running is None:
        return "" if one.id not in {each.id for each in page.workers} else "does-not-answer"
    return f"works-for-{running[0]}"


def keeps(one: Worker, page: MasterStatus) -> str:
    """Where workers serve shuffle files: of which application this one has some, perhaps the only ones; empty: none."""
    ended = worker.ended(one)
    if ended is None:
        return "does-not-answer"
    running = sorted({application.id for application in page.applications} & set(ended))
    return f"keeps-files-of-{running[0]}" if running else ""
