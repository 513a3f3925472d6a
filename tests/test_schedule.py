"""Whose turn it is, by table: every dyno has had its own before the end of its lifetime, and not long before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from sparkspace.cycling import schedule
from sparkspace.cycling.schedule import Load
from sparkspace.heroku.listed import ListedDyno

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
DAY = timedelta(hours=22)
SLOT = timedelta(minutes=15)
EARLIER, LATER = "app-20260102110000-0001", "app-20260102115900-0002"


def dyno(name: str, age_h: float, now: datetime = NOW) -> ListedDyno:
    at = now - timedelta(hours=age_h)
    return ListedDyno(f"id-of-{name}", name, name.partition(".")[0], "up", at, at)


@pytest.mark.parametrize(("workers", "others"), [(1, 0), (2, 1), (4, 3), (7, 6), (8, 6), (100, 75)])
def test_floor_is_all_but_a_quarter(workers: int, others: int) -> None:
    assert schedule.floor(workers) == others


@pytest.mark.parametrize(
    ("ages_h", "due"),
    [
        ([], []),
        ([10, 10, 10, 10], []),
        ([20.7] * 4, []),
        ([20.75] * 4, [20.75] * 4),  # four turns of 15 min, and one to spare
        ([21.4, 1, 1, 1], []),
        ([21.5, 1, 1, 1], [21.5]),
        ([21.25, 21.25, 1, 1], [21.25, 21.25]),
        ([21.51, 21.1, 1, 1], [21.51]),
        ([30, 1], [30]),  # turns were off for a while
    ],
)
def test_turns_begin_when_the_last_would_else_come_too_late(ages_h: list[float], due: list[float]) -> None:
    dynos = [dyno(f"worker.{number}", age) for number, age in enumerate(ages_h)]
    found = schedule.due(reversed(dynos), schedule.slot(len(dynos), DAY), DAY, NOW)
    assert [(NOW - each.since) / timedelta(hours=1) for each in found] == pytest.approx(due)


@pytest.mark.parametrize(
    ("count", "lifetime"),
    [(1, DAY), (2, DAY), (5, DAY), (30, DAY), (100, DAY), (5, timedelta(minutes=6)), (1, timedelta(minutes=3))],
)
def test_days_of_turns_leave_nobody_too_old_nor_in_haste(count: int, lifetime: timedelta) -> None:
    """All start together and are busy. A turn takes half its slot; a look comes every 200th of the lifetime."""
    pool = {f"worker.{number}": NOW for number in range(count)}
    loads = {name: Load.of([f"{EARLIER}{name}"]) for name in pool}
    each = schedule.slot(count, lifetime)
    now, oldest, turns, least = NOW, timedelta(0), 0, lifetime
    while now < NOW + 4 * lifetime:
        dynos = [ListedDyno(name, name, "worker", "up", at, at) for name, at in pool.items()]
        oldest = max(oldest, *(now - one.since for one in dynos))
        if found := schedule.due(dynos, each, lifetime, now):
            first = schedule.order(found, loads, each, lifetime, now)[0]
            others = [one for one in dynos if one is not first]
            least = min(least, schedule.patience(first, others, each, lifetime, now))
            now += each / 2
            pool[first.name] = now
            turns += 1
        now += min(timedelta(minutes=1), lifetime / 200)
    assert oldest < lifetime
    assert least >= each / 2
    assert 3 * count <= turns <= 9 * count  # and they are not restarted again and again


def test_idle_ones_first_then_the_youngest_work_then_the_oldest() -> None:
    pool = [dyno(f"worker.{number}", 21) for number in (1, 2, 3, 4)]
    loads = {"worker.1": Load.of([EARLIER, LATER]), "worker.2": Load.of([LATER]), "worker.3": Load.of([])}
    wanted = ["worker.3", "worker.4", "worker.2", "worker.1"]
    assert [each.name for each in schedule.least_to_lose(pool, loads)] == wanted
    assert [each.name for each in schedule.order(pool, loads, SLOT, DAY, NOW)] == wanted


def test_those_in_a_hurry_are_before_all_and_the_oldest_of_them_first() -> None:
    pool = [dyno("worker.1", 21), dyno("worker.2", 21.8), dyno("worker.3", 21.9)]
    found = schedule.order(pool, {"worker.3": Load.of([EARLIER])}, SLOT, DAY, NOW)
    assert [each.name for each in found] == ["worker.3", "worker.2", "worker.1"]


@pytest.mark.parametrize(
    ("age_h", "others_h", "minutes"),
    [
        (21, (), 60 - 3.75),
        (21, (21, 21, 21), 60 - 45 - 3.75),
        (21, (20, 20, 20), 60 - 3.75),  # theirs come later
        (21, (30, 1), 60 - 3.75),  # haste is no help to one that is too old
        (21.99, (), 0.5),
        (30, (), 0.5),
    ],
)
def test_patience_is_what_the_others_leave(age_h: float, others_h: tuple[float, ...], minutes: float) -> None:
    others = [dyno(f"worker.{number}", age) for number, age in enumerate(others_h, 2)]
    assert schedule.patience(dyno("worker.1", age_h), others, SLOT, DAY, NOW) == timedelta(minutes=minutes)
