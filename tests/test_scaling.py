"""How many workers there should be: by what is to be seen, and since when."""

from __future__ import annotations

import pytest

from sparkspace.config import Scaling
from sparkspace.cycling.autoscaler import Spent
from sparkspace.cycling.scaling import (
    COMES_WITHIN_S,
    SPARE_FOR_S,
    WANTED_FOR_S,
    Node,
    Scaler,
    Scene,
    Wish,
    more_workers,
)
from sparkspace.sizing import Capacity

WORKER = Capacity(1000, 4)
EXECUTOR = Capacity(500, 2)
BUSY, HALF = Capacity(0, 0), Capacity(500, 2)
LATELY = f"was-needed-less-than-{SPARE_FOR_S:.0f}-s-ago"
RULE = Scaling(least=1, most=4, idle_minutes=10, dyno_hours_per_day=None)


def scene(at_s: float, *free: Capacity, asked: int = 0, quantity: int = 0, spent: float = 0, keeps: str = "") -> Scene:
    """Workers of which so much is ``free``, and an application that asks for so many executors more."""
    nodes = [Node(number, WORKER, each, keeps) for number, each in enumerate(free, 1)]
    wishes = [Wish("app-1", asked, EXECUTOR)] if asked else []
    return Scene(at_s, quantity or len(nodes), nodes, wishes, WORKER, spent)


def decided(rule: Scaling, *scenes: Scene) -> list[tuple[int, str]]:
    """The decisions that are changes, in turn, and the reasons of the others with the number that there is."""
    scaler = Scaler(rule)
    decisions = [scaler.decide(each) for each in scenes]
    assert all(one.is_change == (one.quantity != each.quantity) for one, each in zip(decisions, scenes, strict=True))
    return [(one.quantity, one.reason) for one in decisions]


@pytest.mark.parametrize(
    ("wishes", "free", "more"),
    [
        ([], [], 0),
        ([Wish("a", 2, EXECUTOR)], [WORKER], 0),
        ([Wish("a", 3, EXECUTOR)], [WORKER], 1),
        ([Wish("a", 3, EXECUTOR)], [HALF, HALF, HALF], 0),
        ([Wish("a", 5, EXECUTOR)], [], 3),
        ([Wish("a", 1, EXECUTOR), Wish("b", 1, EXECUTOR)], [], 1),
        ([Wish("a", 1, Capacity(100, 4)), Wish("b", 1, Capacity(100, 1))], [], 2),
        ([Wish("a", 9, Capacity(1001, 1)), Wish("b", 9, Capacity(1, 5))], [WORKER], 0),
        ([Wish("a", 1, Capacity(700, 1)), Wish("b", 1, Capacity(700, 1))], [WORKER], 1),
    ],
)
def test_workers_that_are_missing(wishes: list[Wish], free: list[Capacity], more: int) -> None:
    assert more_workers(wishes, free, WORKER) == more


def test_up_by_what_is_needed_when_it_was_wanted_for_a_moment() -> None:
    asks = [scene(at, BUSY, asked=5) for at in (100, 100 + WANTED_FOR_S / 2, 100 + WANTED_FOR_S)]
    assert decided(RULE, *asks) == [
        (1, "app-1-has-just-asked"),
        (1, "app-1-has-just-asked"),
        (4, "app-1-waits-for-executors"),
    ]


def test_a_moment_begins_anew_when_nobody_asks() -> None:
    found = decided(RULE, scene(0, BUSY, asked=1), scene(9, BUSY), scene(12, BUSY, asked=1))
    assert found[-1] == (1, "app-1-has-just-asked")


def test_those_on_the_way_count_until_they_can_no_more_be_hoped_for() -> None:
    waits = [
        scene(at, BUSY, asked=2, quantity=2) for at in (0, WANTED_FOR_S, COMES_WITHIN_S, COMES_WITHIN_S + WANTED_FOR_S)
    ]
    assert decided(RULE, *waits) == [
        (2, "1-on-the-way"), (2, "1-on-the-way"), (2, "app-1-has-just-asked"), (3, "app-1-waits-for-executors"),
    ]  # fmt: skip


def test_never_beyond_the_most() -> None:
    full = [scene(at, *[BUSY] * 3, asked=99) for at in (0, WANTED_FOR_S)] + [scene(60, *[BUSY] * 4, asked=99)]
    assert decided(RULE, *full)[1:] == [(4, "app-1-waits-for-executors"), (4, "app-1-waits-and-4-is-the-most")]


def test_never_up_when_the_hours_of_the_day_are_spent() -> None:
    rule = Scaling(0, 4, 10, dyno_hours_per_day=24)
    poor = [scene(at, BUSY, asked=1, spent=24) for at in (0, WANTED_FOR_S)]
    assert decided(rule, *poor)[-1] == (1, "the-day's-24-dyno-hours-are-spent")
    assert decided(rule, *[scene(at, BUSY, asked=1, spent=23.9) for at in (0, WANTED_FOR_S)])[-1][0] == 2


def test_down_by_all_at_the_end_of_the_row_that_have_been_idle() -> None:
    idle = [scene(at, BUSY, WORKER, WORKER) for at in (0, SPARE_FOR_S - 1, SPARE_FOR_S)]
    assert decided(RULE, *idle) == [
        (3, f"worker.3-{LATELY}"),
        (3, f"worker.3-{LATELY}"),
        (1, "nothing-to-do"),
    ]


def test_one_in_the_middle_of_the_row_stays_while_a_later_one_works() -> None:
    assert decided(RULE, *[scene(at, WORKER, WORKER, HALF) for at in (0, 9999)])[-1] == (3, "worker.3-works")


def test_time_begins_anew_after_work() -> None:
    found = decided(
        RULE, scene(0, BUSY, WORKER), scene(50, BUSY, HALF), scene(60, BUSY, WORKER), scene(119, BUSY, WORKER)
    )
    assert found[-1] == (2, f"worker.2-{LATELY}")


@pytest.mark.parametrize(("least", "quantity", "reason"), [(0, 0, "nothing-to-do"), (1, 1, "1-is-the-least")])
def test_the_last_one_goes_after_the_operators_time(least: int, quantity: int, reason: str) -> None:
    rule = Scaling(least, 4, 10, None)
    found = decided(rule, *[scene(at, WORKER) for at in (0, SPARE_FOR_S, 600)])
    assert found[-1] == (quantity, reason)
    assert least or found[1] == (1, "worker.1-was-needed-less-than-600-s-ago")


def test_up_from_nothing() -> None:
    rule = Scaling(0, 4, 10, None)
    assert decided(rule, *[scene(at, asked=3) for at in (0, WANTED_FOR_S)])[-1] == (2, "app-1-waits-for-executors")


def test_one_that_keeps_shuffle_files_stays() -> None:
    keeps = [scene(at, WORKER, WORKER, keeps="keeps-files-of-app-1") for at in (0, 9999)]
    assert decided(RULE, *keeps)[-1] == (2, "worker.2-keeps-files-of-app-1")


def test_nobody_goes_while_somebody_comes() -> None:
    assert decided(RULE, *[scene(at, BUSY, WORKER, quantity=3) for at in (0, 200)])[-1] == (3, "1-on-the-way")


def test_one_that_never_comes_goes() -> None:
    assert decided(RULE, *[scene(at, BUSY, quantity=2) for at in (0, COMES_WITHIN_S)])[-1] == (1, "nothing-to-do")


def test_hours_of_the_day_are_those_of_all_workers() -> None:
    noon = 20_000 * 86_400 + 12 * 3600.0
    spent = Spent([noon - 3600, noon - 86_400], noon)
    assert spent.hours(2, noon) == 1 + 12
    assert spent.hours(2, noon + 1800) == 14
    assert spent.hours(4, noon + 3600) == 16
    assert spent.hours(4, noon + 12 * 3600 + 900) == 1  # the next day


def test_between_least_and_most_whoever_scaled_it_otherwise() -> None:
    assert decided(Scaling(3, 4, 10, None), scene(0, BUSY))[-1] == (3, "fewer-than-the-least")
    many = [scene(at, *[BUSY] * 4, WORKER, WORKER) for at in (0, SPARE_FOR_S)]
    assert decided(RULE, *many)[-1] == (4, "more-than-the-most")
