"""Planned cycling: what keeps a dyno from its turn, and what is said of it, by table; what it survives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest

from sparkspace.cluster import master, worker
from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.cluster.roles import Place
from sparkspace.cycling import planner
from sparkspace.cycling.planner import Planner
from sparkspace.heroku.listed import ListedDyno
from sparkspace.heroku.refusals import TokenRefused

from .launchers import FACTS, fake_spark

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
LIFETIME = timedelta(hours=22)
DOMAIN = FACTS["HEROKU_DNS_APP_NAME"]
MASTER = {"DYNO": "master.1", "HEROKU_DNS_DYNO_NAME": f"1.master.{DOMAIN}"}
OWN = f"http://1.master.{DOMAIN}:8080"
APPLICATION = Application("app-1", "job", "me", "RUNNING", 1, 512, 9.0)


def dyno(name: str, age_h: float = 21.9, state: str = "up") -> ListedDyno:
    at = NOW - timedelta(hours=age_h)
    return ListedDyno(f"id-of-{name}", name, name.partition(".")[0], state, at, at)


def registered(name: str, state: str = "ALIVE") -> Worker:
    page = f"http://{name.rpartition('.')[2]}.worker.{DOMAIN}:8081"
    return Worker(f"worker-{name}-{state}", f"10.0.0.{name[-1]}", state, 1, 0, 1, 0, page)


@dataclass
class Turns:
    """In the place of ``cycling.turn.Turns``: what was seen is given, and turns are written down."""

    place: Place
    dynos: list[ListedDyno]
    workers: tuple[Worker, ...] = ()
    applications: tuple[Application, ...] = ()
    url: str = OWN
    taken: list[str] = field(default_factory=list)
    error: Exception | None = None

    @property
    def client(self) -> Turns:
        return self

    def listed_dynos(self) -> list[ListedDyno]:
        if self.error:
            raise self.error
        return self.dynos

    def page(self) -> MasterStatus | None:
        return MasterStatus(self.url, "ALIVE", self.workers, self.applications) if self.url else None

    def loads(self, names: list[str], most: int) -> dict[str, list[str]]:
        return {}

    def worker(self, dyno: ListedDyno, patience_s: float) -> bool:
        self.taken.append(dyno.name)
        return True

    def master(self, dyno: ListedDyno) -> bool:
        self.taken.append(dyno.name)
        return True

    zookeeper = master

    def zookeeper_host(self, dyno: ListedDyno) -> str:
        return f"{dyno.name[-1]}.zookeeper.{DOMAIN}"


def place(**config: str) -> Place:
    return Place.from_env({**FACTS, **config, **MASTER})


def all_there(*names: str) -> dict[str, Any]:
    return {"dynos": [dyno(name) for name in names], "workers": tuple(map(registered, names))}


TWO = all_there("worker.1", "worker.2")
FOUR = all_there("worker.1", "worker.2", "worker.3", "worker.4")
ONLY_MASTER = {"dynos": [dyno("master.1")]}


class Clock(datetime):
    """Stands still: a table is made when pytest collects it, and may be read an hour later."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Clock:
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "datetime", Clock)


@pytest.mark.parametrize(
    ("seen", "taken", "left"),
    [
        (TWO, ["worker.1"], []),
        ({**TWO, "dynos": [dyno("worker.1", 3), dyno("worker.2", 3)]}, [], []),
        ({**TWO, "url": ""}, [], []),
        ({**TWO, "url": f"http://2.master.{DOMAIN}:8080"}, [], []),
        ({**TWO, "workers": (registered("worker.1"),)}, ["worker.2"], ["worker.1 0-other-workers-are-there-of-1"]),
        ({**FOUR, "workers": FOUR["workers"][:2]}, [],
         ["worker.1 1-other-workers-are-there-of-3", "worker.3 2-other-workers-are-there-of-3"]),
        ({**TWO, "dynos": [dyno("worker.1", 21.9, "starting"), dyno("worker.2")]}, ["worker.2"], []),
        ({**TWO, "dynos": [dyno("worker.1", 21.6), dyno("worker.2", 3), dyno("master.2", 0, "starting")]}, [],
         ["worker.1 master.2-is-away"]),
        ({"dynos": [dyno("worker.1", 0, "crashed"), dyno("master.1", 21.6)]}, [], ["master.1 worker.1-is-away"]),
        ({"dynos": [dyno("worker.1", 9), dyno("master.1", 21.6)]}, [], ["master.1 worker.1-is-away"]),
        ({"dynos": [dyno("worker.1", 0, "crashed"), dyno("master.1", 21.9)]}, ["master.1"], []),
        ({**TWO, "workers": (*TWO["workers"], registered("worker.3", "DECOMMISSIONED"))}, [], []),
        (all_there("worker.1"), ["worker.1"], []),
        (ONLY_MASTER, ["master.1"], []),
        ({"dynos": [dyno("master.2")]}, [], ["master.2 beyond-SPARK_MASTERS"]),
        ({**ONLY_MASTER, "applications": (APPLICATION,)}, [], ["master.1 applications-run"]),
        ({"dynos": [dyno("zookeeper.1")]}, [], ["zookeeper.1 fewer-than-3-zookeepers"]),
        ({"dynos": [dyno("web.1"), dyno("run.1"), dyno("history.1"), dyno("console.1"), dyno("mine.1")]}, [], []),
        ({**TWO, "dynos": [*TWO["dynos"], dyno("master.1")]}, ["worker.1"], []),
    ],
)  # fmt: skip
def test_whose_turn_it_is(
    seen: dict[str, Any],
    taken: list[str],
    left: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns(place(), **{"taken": [], **seen})
    monkeypatch.setattr(master, "ask_all", lambda urls: [turns.page()])
    one = Planner(turns, LIFETIME)  # type: ignore[arg-type]
    one.look()
    assert turns.taken == taken
    said = [line for line in capsys.readouterr().err.splitlines() if "cycling-left" in line]
    assert said == [
        f"sparkspace at=cycling-left dyno={name} reason={reason}" for name, reason in (line.split() for line in left)
    ]
    if left and not taken:  # it is said once
        one.look()
        assert "cycling-left" not in capsys.readouterr().err


@pytest.mark.parametrize(("other", "taken"), [("STANDBY", ["master.2"]), ("DOWN", [])])
@pytest.mark.parametrize(
    "zookeepers", [{"SPARK_ZK_ZOOKEEPER_URL": "zookeeper://10.1.1.1:2181"}, {"SPARKSPACE_ZOOKEEPERS": "3"}]
)
def test_masters_with_zookeeper_wait_for_each_other_and_the_leader_is_last(
    monkeypatch: pytest.MonkeyPatch, zookeepers: dict[str, str], other: str, taken: list[str]
) -> None:
    states = [MasterStatus(OWN, "ALIVE"), MasterStatus("http://two", other)]
    monkeypatch.setattr(master, "ask_all", lambda urls: states)
    here = place(SPARK_MASTERS="2", **zookeepers)
    turns = Turns(here, [dyno("master.1"), dyno("master.2")], applications=(APPLICATION,))
    Planner(turns, LIFETIME).look()  # type: ignore[arg-type]
    assert turns.taken == taken


def test_a_zookeeper_too_many_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(planner, "is_serving", lambda host: not host.startswith("4."))
    here = place(SPARK_MASTERS="2", SPARKSPACE_ZOOKEEPERS="3")
    turns = Turns(here, [dyno(f"zookeeper.{number}") for number in (4, 1, 2, 3)])
    for _ in range(4):
        Planner(turns, LIFETIME).look()  # type: ignore[arg-type]
    assert turns.taken and "zookeeper.4" not in turns.taken
    assert "dyno=zookeeper.4 reason=beyond-SPARKSPACE_ZOOKEEPERS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("conf", "taken"), [("", ["master.1"]), ("spark.deploy.recoveryMode=NONE", [])], ids=["ours", "turned off"]
)
def test_only_master_has_its_turn_beside_applications_when_it_recovers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, conf: str, taken: list[str]
) -> None:
    home = fake_spark(tmp_path / "spark")
    (home / "jars" / "sparkspace-jvm.jar").touch()
    here = place(SPARKSPACE_RECOVERY_DIR="file:/state", SPARK_HOME=str(home), SPARKSPACE_CONF=conf)
    turns = Turns(here, [dyno("master.1")])
    turns.applications = (APPLICATION,)
    monkeypatch.setattr(master, "ask_all", lambda urls: [turns.page()])
    Planner(turns, LIFETIME).look()  # type: ignore[arg-type]
    assert turns.taken == taken


def test_turn_that_nobody_ended_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes no work and has none; not one that still has some, nor one that is back."""
    monkeypatch.setattr(worker, "applications", lambda one: ["app-1"] if one.host == "10.0.0.2" else [])
    monkeypatch.setattr(planner, "STRANDED_S", 0.0)
    young = [dyno(f"worker.{number}", 1) for number in (1, 2, 3)]
    left = (registered("worker.1", "DECOMMISSIONED"), registered("worker.2", "DECOMMISSIONED"))
    back = (registered("worker.3", "DECOMMISSIONED"), registered("worker.3"))
    turns = Turns(place(), young, (*left, *back))
    one = Planner(turns, LIFETIME)  # type: ignore[arg-type]
    one.look()
    assert turns.taken == ["worker.1"]


def test_turn_that_is_just_being_taken_by_hand_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "applications", lambda one: [])
    turns = Turns(place(), [dyno("worker.1", 1)], (registered("worker.1", "DECOMMISSIONED"),))
    one = Planner(turns, LIFETIME)  # type: ignore[arg-type]
    one.look()
    one.look()
    assert turns.taken == []


class Enough(Exception):
    """Ends a loop that has no end."""


def test_what_the_api_refuses_is_said_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = Turns(
        place(), **{"taken": [], **TWO}, error=TokenRefused("The token is wrong.", "Set a new one.", status=401)
    )
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            turns.error = None
        if looks == 4:
            raise Enough

    monkeypatch.setattr(planner.time, "sleep", sleep)
    with pytest.raises(Enough):
        Planner(turns, LIFETIME).run()  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert said.count("at=cycling-stopped reason=TokenRefused status=401") == said.count("Set a new one.") == 1
    assert turns.taken == ["worker.1"]


@pytest.mark.parametrize(
    ("lifetime", "every_s"), [(LIFETIME, 60), (timedelta(minutes=10), 3), (timedelta(minutes=3), 1)]
)
def test_it_looks_often_enough_and_seldom_enough(lifetime: timedelta, every_s: float) -> None:
    assert Planner(Turns(place(), []), lifetime).every_s == every_s  # type: ignore[arg-type]
