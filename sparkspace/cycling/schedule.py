"""Planned cycling: whose turn it is. Nothing here asks or acts.

Heroku ends a dyno when it is 24 h old, or up to 216 min older (devcenter.heroku.com/articles/dynos). It must have had
its turn before. Turns come one at a time, so the first comes early enough for the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    return min(LONGEST_SLOT, lifetime / (3 * max(1, dynos)))


def due(dynos: Iterable[ListedDyno], each: timedelta, lifetime: timedelta, now: datetime) -> list[ListedDyno]:
    """Those whose turns, of ``each``, must begin now if all are to end a slot before their time: the oldest first."""
    oldest_first = sorted(dynos, key=lambda dyno: dyno.since)
    pressing = [place for place, dyno in enumerate(oldest_first) if now + (place + 2) * each >= dyno.since + lifetime]
    return oldest_first[: pressing[-1] + 1] if pressing else []


def is_in_hurry(dyno: ListedDyno, each: timedelta, lifetime: timedelta, now: datetime) -> bool:
    """Whether its lifetime ends within the slot."""
    return dyno.since + lifetime - now <= each


def least_to_lose(dynos: Iterable[ListedDyno], loads: Mapping[str, Load]) -> list[ListedDyno]:
    """Idle ones first, then those whose work has begun last. ``loads``: by the dynos' names."""
    newest_work_first = sorted(dynos, key=lambda dyno: loads.get(dyno.name, IDLE).since, reverse=True)
    return sorted(newest_work_first, key=lambda dyno: loads.get(dyno.name, IDLE).executors > 0)


def order(
    dynos: Sequence[ListedDyno], loads: Mapping[str, Load], each: timedelta, lifetime: timedelta, now: datetime
) -> list[ListedDyno]:
    """Those in a hurry first, the oldest of them before all; then those that have the least to lose."""
    hurried = [dyno for dyno in dynos if is_in_hurry(dyno, each, lifetime, now)]
    others = [dyno for dyno in dynos if not is_in_hurry(dyno, each, lifetime, now)]
    return [*sorted(hurried, key=lambda dyno: dyno.since), *least_to_lose(others, loads)]


def patience(
    dyno: ListedDyno, others: Iterable[ListedDyno], each: timedelta, lifetime: timedelta, now: datetime
) -> timedelta:
    """How long its executors may take, so that it and the ``others`` after it come in time. A quarter is to come back.

    Others that are too old already can't be helped by haste.
    """
    in_time = sorted((other for other in others if other.since + lifetime > now), key=lambda other: other.since)
    left = [one.since + lifetime - now - (place + 0.25) * each for place, one in enumerate([dyno, *in_time])]
    return max(LEAST_PATIENCE, min(left))
