"""Whose turn it is, by table: every dyno has had its own before the end of its lifetime, and not long before."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from sparkspace.cycling import schedule
from sparkspace.cycling.schedule import Load
from sparkspace.heroku.listed import ListedDyno

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
DAY = timedelta(hours=22)
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
        ([20.9] * 4, []),
        ([21] * 4, [21] * 4),  # four turns of 15 min are left
        ([21.7, 1, 1, 1], []),
        ([21.75, 1, 1, 1], [21.75]),
        ([21.5, 21.5, 1, 1], [21.5, 21.5]),
        ([21.76, 21.4, 1, 1], [21.76]),
        ([30, 1], [30]),  # turns were off for a while
    ],
)
def test_turns_begin_when_the_last_would_else_come_too_late(ages_h: list[float], due: list[float]) -> None:
    dynos = [dyno(f"worker.{number}", age) for number, age in enumerate(ages_h)]
    found = schedule.due(reversed(dynos), DAY, NOW)
    assert [(NOW - each.since) / timedelta(hours=1) for each in found] == pytest.approx(due)


@pytest.mark.parametrize(
    ("count", "lifetime"),
    [(1, DAY), (2, DAY), (5, DAY), (30, DAY), (100, DAY), (5, timedelta(minutes=6)), (1, timedelta(minutes=3))],
)
def test_two_days_of_turns_leave_nobody_too_old(count: int, lifetime: timedelta) -> None:
    """All start together. A turn takes three quarters of its slot; a look comes every 200th of the lifetime."""
    made = dict.fromkeys(range(count), NOW)
    now, oldest, turns = NOW, timedelta(0), 0
    while now < NOW + 2 * lifetime:
        dynos = [ListedDyno(str(n), f"worker.{n}", "worker", "up", at, at) for n, at in made.items()]
        oldest = max(oldest, *(now - each.since for each in dynos))
        if found := schedule.due(dynos, lifetime, now):
            now += schedule.slot(count, lifetime) * 0.75
            made[int(found[0].id)] = now
            turns += 1
        now += min(timedelta(minutes=1), lifetime / 200)
    assert oldest < lifetime
    assert count <= turns <= 5 * count  # and they are not restarted again and again


def test_idle_ones_first_then_the_youngest_work_then_the_oldest() -> None:
    pool = [dyno(f"worker.{number}", 21) for number in (1, 2, 3, 4)]
    loads = {"worker.1": Load.of([EARLIER, LATER]), "worker.2": Load.of([LATER]), "worker.3": Load.of([])}
    assert [each.name for each in schedule.order(pool, loads, DAY, NOW)] == [
        "worker.3", "worker.4", "worker.2", "worker.1",
    ]  # fmt: skip


def test_one_in_a_hurry_is_before_all() -> None:
    pool = [dyno("worker.1", 21), dyno("worker.2", 21.9)]
    found = schedule.order(pool, {"worker.2": Load.of([EARLIER])}, DAY, NOW)
    assert [each.name for each in found] == ["worker.2", "worker.1"]


@pytest.mark.parametrize(
    ("age_h", "others", "minutes"), [(21, 3, 60 - 45 - 3.75), (21, 0, 60 - 3.75), (21.9, 3, 0.5), (30, 0, 0.5)]
)
def test_patience_is_what_the_others_leave(age_h: float, others: int, minutes: float) -> None:
    each = schedule.slot(4, DAY)
    assert schedule.patience(dyno("worker.1", age_h), others, each, DAY, NOW) == timedelta(minutes=minutes)
