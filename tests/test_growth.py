"""What our parts ask and compute in a cluster ten times as large: ten times as much at most, by counts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sparkspace.cluster import crowd, driver_page, worker
from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.code.class_server.blobs import Blobs
from sparkspace.code.class_server.pushes import Pushes
from sparkspace.code.tree import Entry
from sparkspace.config import Scaling
from sparkspace.cycling import planner, registered, scaling, schedule
from sparkspace.cycling.autoscaler import Autoscaler
from sparkspace.cycling.leave import Leave
from sparkspace.cycling.planner import MOST_ASKED, Planner
from sparkspace.cycling.scaling import Node, Scaler, Scene, Wish
from sparkspace.cycling.schedule import Load
from sparkspace.cycling.turn import Turns
from sparkspace.cycling.wishes import Wishes
from sparkspace.heroku.listed import ListedDyno
from sparkspace.sizing import Capacity

from .test_planner import LIFETIME, OWN, dyno, place
from .test_planner import Turns as Told
from .test_planner import registered as one_registered

EMPTY, FULL = Capacity(1000, 4), Capacity(0, 0)
APPLICATION = Application("app-1", "name", "user", "RUNNING", 8, 1000, 1.0)


def workers(count: int, used: int = 1) -> tuple[Worker, ...]:
    return tuple(replace(one_registered(f"worker.{n}"), cores_used=used) for n in range(1, count + 1))


def page(*found: Worker, applications: tuple[Application, ...] = ()) -> MasterStatus:
    return MasterStatus(OWN, "ALIVE", found, applications)


class Calls:
    """Counts the calls of what it stands in for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> None:  # noqa: ANN401
        self.count = 0
        self._then = getattr(where, name)
        monkeypatch.setattr(where, name, self)

    def __call__(self, *args: object, **more: object) -> Any:  # noqa: ANN401
        self.count += 1
        return self._then(*args, **more)


# Asking many


class Together:
    """An answer that nobody gets before so many have asked."""

    def __init__(self, parties: int, answer: object) -> None:
        self._barrier = threading.Barrier(parties, timeout=10)
        self._answer = answer

    def __call__(self, *_: object) -> Any:  # noqa: ANN401
        self._barrier.wait()
        return self._answer


def test_a_crowd_is_asked_together_and_answers_in_order() -> None:
    wait = Together(4, None)
    assert crowd.ask(lambda number: wait() or number * 2, range(8)) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert crowd.ask(str, []) == []


def test_what_one_of_a_crowd_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        crowd.ask(lambda number: 1 // number, [1, 0, 1])


def of_leaving(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(worker, "applications", Together(4, []))
    leave = Leave(9, 5, dict(enumerate(workers(4), 6)))
    return leave.held(page(), False), len(leave.strand([dyno("worker.6"), dyno("worker.1")]))


def of_stranded(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(worker, "applications", Together(4, []))
    monkeypatch.setattr(planner, "STRANDED_S", 0.0)
    leaving = tuple(replace(one, state="DECOMMISSIONED") for one in workers(4))
    turns = Told(place(), [dyno(f"worker.{n}", 1) for n in range(1, 5)], leaving)
    Planner(turns, LIFETIME).look()  # type: ignore[arg-type]
    return turns.taken


def of_loads(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(worker, "applications", Together(4, ["app-1"]))
    return set(map(tuple, loads(4, None).values()))


def of_shuffles(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(worker, "ended", Together(4, [("app-1", "7")]))
    monkeypatch.setattr(driver_page, "shuffle_bytes", lambda *_: {"7": 1})
    asked = Calls(monkeypatch, driver_page, "shuffle_bytes")
    here = SimpleNamespace(settings=SimpleNamespace(default_cores=4, serves_shuffles=True), dyno=None)
    eyes = Autoscaler(SimpleNamespace(place=here), Scaling(1, 4, 10, None), threading.Lock())  # type: ignore[arg-type]
    nodes = eyes._nodes(dict(enumerate(workers(4, used=0), 1)), page(applications=(APPLICATION,)))
    return {node.keeps for node in nodes}, asked.count


def of_wishes(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(driver_page, "properties", lambda *_: {"spark.executor.cores": "1", "spark.cores.max": "99"})
    monkeypatch.setattr(driver_page, "executors", Together(4, (9, 8)))
    many = tuple(replace(APPLICATION, id=f"app-{n}") for n in range(4))
    return [wish.executors for wish in Wishes(4).of(page(applications=many), EMPTY)]


@pytest.mark.parametrize(
    ("asking", "found"),
    [
        (of_leaving, ({}, 1)),
        (of_stranded, ["worker.1", "worker.2", "worker.3", "worker.4"]),
        (of_loads, {("app-1",)}),
        (of_shuffles, ({"keeps-files-of-app-1"}, 1)),
        (of_wishes, [1, 1, 1, 1]),
    ],
)
def test_silent_ones_are_waited_for_together(
    monkeypatch: pytest.MonkeyPatch, asking: Callable[[pytest.MonkeyPatch], object], found: object
) -> None:
    assert asking(monkeypatch) == found


# Planned cycling


def loads(count: int, most: int | None, used: int = 1) -> dict[str, list[str]]:
    turns = Turns(place(), None)  # type: ignore[arg-type]
    turns.page = lambda: page(*workers(count, used))  # type: ignore[method-assign]
    return turns.loads([f"worker.{n}" for n in range(1, count + 1)], most)


@pytest.mark.parametrize(
    ("count", "used", "most", "asked"), [(200, 1, MOST_ASKED, MOST_ASKED), (200, 0, None, 0), (7, 1, None, 7)]
)
def test_before_a_turn_few_are_asked_what_runs_there(
    monkeypatch: pytest.MonkeyPatch, count: int, used: int, most: int | None, asked: int
) -> None:
    monkeypatch.setattr(worker, "applications", lambda one: ["app-20260101000000-0001"])
    calls = Calls(monkeypatch, worker, "applications")
    found = loads(count, most, used)
    assert (calls.count, len(found)) == (asked, count)
    order = schedule.least_to_lose([dyno(name) for name in found], {name: Load.of(of) for name, of in found.items()})
    first = [one.name for one in order[:asked]]
    assert all(found[name] == ["app-20260101000000-0001"] for name in first), "who was not asked comes last"


def test_a_look_at_many_that_can_not_go_reads_the_master_as_often_as_one_at_few(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def counted(count: int) -> tuple[int, int, int]:
        half = workers(count // 2)
        turns = Told(place(), [dyno(f"worker.{n}") for n in range(1, count + 1)], half)
        pages, reads = Calls(monkeypatch, turns, "page"), Calls(monkeypatch, registered, "workers")
        Planner(turns, LIFETIME).look()  # type: ignore[arg-type]
        assert not turns.taken
        return pages.count, reads.count, capsys.readouterr().err.count("at=cycling-left")

    few, many = counted(4), counted(200)
    assert few == many


def test_the_order_of_turns_compares_no_dyno_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls(monkeypatch, ListedDyno, "__eq__")
    now = datetime.now(timezone.utc)
    many = [replace(dyno(f"worker.{n}"), since=now - LIFETIME + timedelta(minutes=n)) for n in range(200)]
    assert len(schedule.order(many, {}, timedelta(minutes=15), LIFETIME, now)) == len(many)
    assert calls.count == 0


# Scaling


class Read(list[Node]):
    """Counts who is looked at."""

    count = 0

    def __iter__(self) -> Iterator[Node]:
        for each in super().__iter__():
            Read.count += 1
            yield each


def test_sending_all_home_looks_at_each_a_few_times() -> None:
    def looked_at(quantity: int) -> int:
        Read.count = 0
        scaler = Scaler(Scaling(1, 1000, 10, None))
        for at_s in (0.0, 10_000.0):
            nodes = Read(Node(number, EMPTY, EMPTY) for number in range(1, quantity + 1))
            decision = scaler.decide(Scene(at_s, quantity, nodes, [], EMPTY))
        assert decision.quantity == 1
        return Read.count

    assert looked_at(500) <= 11 * looked_at(50)


@pytest.mark.parametrize("free", [FULL, Capacity(250, 1)], ids=["full", "nearly full"])
def test_what_is_missing_is_counted_by_kinds_of_rooms(monkeypatch: pytest.MonkeyPatch, free: Capacity) -> None:
    calls = Calls(monkeypatch, scaling, "fits")

    def counted(size: int) -> int:
        wishes = [Wish(f"app-{n}", 10, Capacity(500, 2)) for n in range(size // 10)]
        before = calls.count
        assert scaling.more_workers(wishes, [free] * size, EMPTY) == size // 2
        return calls.count - before

    assert counted(1000) <= 11 * counted(100)


# The class server


def test_executors_that_load_classes_do_not_have_all_versions_gone_through(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pushes = Pushes(Blobs(tmp_path), "v1")
    sent = {"classes/A.class": Entry(sha256(b"a").hexdigest(), 1)}
    calls = Calls(monkeypatch, pushes.sessions, "versions")

    def pushed(name: str) -> str:
        session = pushes.sessions.open(name, "myapp", "v1", "run.1")
        pushes.sessions.push(name, sent, {each.sha256: b"a" for each in sent.values()}, "ann")
        assert session.head
        return session.head.digest

    digest = pushed("first")
    before = calls.count
    assert [pushes.read(digest, "classes/A.class") for _ in range(100)] == [b"a"] * 100
    assert calls.count - before <= 1
    sent["classes/B.class"] = sent["classes/A.class"]
    newer = pushed("second")
    assert (pushes.read(newer, "classes/B.class"), pushes.read(digest, "classes/B.class")) == (b"a", None)
    (opened,) = [each for each in pushes.sessions.all() if each.name == "second"]
    pushes.sessions.close("second", opened.id, "run.1")
    assert pushes.read(newer, "classes/B.class") is None, "it went with its session"
    pushes.sessions.open("first", "myapp", "v2", "run.2")
    assert pushes.read(digest, "classes/A.class") is None, "another release begins with nothing"
