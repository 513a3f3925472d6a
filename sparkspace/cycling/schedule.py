"""Planned cycling: whose turn it is. Nothing here asks or acts.

Heroku ends a dyno when it is 24 h old, or up to 216 min older (devcenter.heroku.com/articles/dynos). It must have had
its turn before. Turns come one at a time, so the first comes early enough for the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..heroku.listed import ListedDyno

LONGEST_SLOT = timedelta(minutes=15)
LEAST_PATIENCE = timedelta(seconds=30)  # what Heroku itself gives


@dataclass(frozen=True)
class Load:
    """What a dyno has to lose."""

    executors: int = 0
    since: str = ""  # of its oldest application, as the application's id has it: app-20261121175723-0000

    @classmethod
    def of(cls, applications: Sequence[str]) -> Load:
        """``applications``: the id of each executor's."""
        return cls(len(applications), min(applications, default=""))


IDLE = Load()


def floor(workers: int) -> int:
    """How many others of ``workers`` must be ALIVE before one may go: Heroku's releases, too, take a quarter away."""
    return workers - max(1, workers // 4)


def slot(dynos: int, lifetime: timedelta) -> timedelta:
    """The time that is set aside for each turn."""
    return min(LONGEST_SLOT, lifetime / (2 * max(1, dynos)))


def due(dynos: Iterable[ListedDyno], lifetime: timedelta, now: datetime) -> list[ListedDyno]:
    """Those whose turns must begin now if each is to have its own before its lifetime ends: the oldest first."""
    oldest_first = sorted(dynos, key=lambda dyno: dyno.since)
    each = slot(len(oldest_first), lifetime)
    pressing = [place for place, dyno in enumerate(oldest_first) if now + (place + 1) * each >= dyno.since + lifetime]
    return oldest_first[: pressing[-1] + 1] if pressing else []


def order(dynos: Sequence[ListedDyno], loads: dict[str, Load], lifetime: timedelta, now: datetime) -> list[ListedDyno]:
    """Idle ones first, then those whose work has begun last: they have the least to lose. One in a hurry is before all.

    ``loads``: by the dynos' names.
    """
    hurry = 2 * slot(len(dynos), lifetime)

    def rank(dyno: ListedDyno) -> tuple[bool, bool]:
        return dyno.since + lifetime - now > hurry, loads.get(dyno.name, IDLE).executors > 0

    newest_work_first = sorted(dynos, key=lambda dyno: loads.get(dyno.name, IDLE).since, reverse=True)
    return sorted(newest_work_first, key=rank)


def patience(dyno: ListedDyno, others: int, each: timedelta, lifetime: timedelta, now: datetime) -> timedelta:
    """How long its executors may take, when ``others`` wait for turns of ``each``; a quarter is for coming back."""
    return max(LEAST_PATIENCE, dyno.since + lifetime - now - (others + 0.25) * each)
