"""The scaler's hands, with a master's page and an API that are told what to say: who may go, and when nobody may."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.config import Scaling
from sparkspace.cycling import autoscaler, leave
from sparkspace.cycling.autoscaler import Autoscaler
from sparkspace.cycling.scaling import SPARE_FOR_S, WANTED_FOR_S, Wish
from sparkspace.errors import ApiError, CheckFailed
from sparkspace.sizing import Capacity

DOMAIN = "app.app.localspace"
URL = f"http://1.master.{DOMAIN}:8080"
RULE = Scaling(least=1, most=4, idle_minutes=10, dyno_hours_per_day=None)
APPLICATION = Application("app-1", "name", "user", "RUNNING", 8, 1000, 1.0)


def worker(number: int, state: str = "ALIVE", used: int = 0, kind: str = "worker") -> Worker:
    name = f"{number}.{kind}.{DOMAIN}"
    return Worker(f"id-{kind}-{number}", f"10.0.0.{number}", state, 8, used, 8000, used * 1000, f"http://{name}:8081")


class Api:
    """A formation of workers."""

    def __init__(self, quantity: int) -> None:
        self.quantity = quantity
        self.scaled: list[int] = []
        self.restarted: list[str] = []
        self.fails: ApiError | None = None

    def formation(self) -> list[dict[str, Any]]:
        return [{"type": "worker", "quantity": self.quantity, "size": "Private-L"}]

    def listed_dynos(self) -> list[Any]:
        names = [f"worker.{number}" for number in range(1, self.quantity + 1)]
        since = SimpleNamespace(timestamp=lambda: 0.0)
        return [SimpleNamespace(name=name, id=name, type="worker", since=since) for name in names]

    def restart_dyno(self, dyno: str) -> None:
        self.restarted.append(dyno)

    def scale(self, updates: list[dict[str, Any]]) -> None:
        if self.fails:
            raise self.fails
        (update,) = updates
        self.quantity = update["quantity"]
        self.scaled.append(self.quantity)


class Stage:
    """A cluster of which all is told, and its scaler."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *workers: Worker, rule: Scaling = RULE) -> None:
        self.workers = list(workers)
        self.applications: list[Application] = []
        self.api = Api(len([one for one in workers if ".worker." in one.page]))
        self.now = 0.0
        self.turn = threading.Lock()
        self.told: list[list[str]] = []
        self.knows: Callable[[list[str]], int] = len
        self.running: dict[str, list[str] | None] = {}
        self.ended: dict[str, list[tuple[str, str]]] = {}
        self.written: dict[str, int] | None = {}
        self.wishes: list[Wish] = []
        monkeypatch.setattr(autoscaler, "decommission", self._decommission)
        monkeypatch.setattr(autoscaler.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(leave.worker, "applications", lambda one: self.running.get(one.id, []))
        monkeypatch.setattr(leave.worker, "ended", lambda one: self.ended.get(one.id, []))
        monkeypatch.setattr(leave.driver_page, "shuffle_bytes", lambda *_: self.written)
        dyno = SimpleNamespace(app_domain=DOMAIN, dns_name=f"1.master.{DOMAIN}")
        self.settings = settings = SimpleNamespace(default_cores=4, serves_shuffles=False)
        turns: Any = SimpleNamespace(
            place=SimpleNamespace(dyno=dyno, settings=settings), client=self.api, page=lambda: self.page
        )
        self.scaler = Autoscaler(turns, rule, self.turn)
        monkeypatch.setattr(self.scaler, "_wishes", SimpleNamespace(of=lambda *_: self.asked()))
        self.url = URL

    @property
    def page(self) -> MasterStatus | None:
        status = MasterStatus(self.url, "ALIVE", tuple(self.workers), tuple(self.applications))
        return status if self.url else None

    def asked(self) -> list[Wish]:
        return self.wishes

    def _decommission(self, place: object, host: str, hosts: list[str]) -> int:
        assert host == f"1.master.{DOMAIN}"
        self.told.append(hosts)
        self.workers = [worker(int(one.id[-1]), "DECOMMISSIONED") if one.host in hosts else one for one in self.workers]
        return self.knows(hosts)

    def look(self, after_s: float = 0) -> str:
        self.now += after_s
        decision = self.scaler.look()
        return decision.reason if decision else "nobody-asks-us"

    def to_leave(self) -> None:
        """Until those that have nothing to do have been told."""
        self.look()
        assert self.look(SPARE_FOR_S) == "nothing-to-do"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    yield lambda *workers, **about: Stage(monkeypatch, *workers, **about)


def idle_two(stage: Callable[..., Stage], count: int = 3) -> Stage:
    return stage(worker(1, used=8), *(worker(number) for number in range(2, count + 1)))


def test_they_are_told_and_then_they_go(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage)
    found.to_leave()
    assert (found.told, found.api.scaled, found.turn.locked()) == ([["10.0.0.2", "10.0.0.3"]], [], True)
    assert found.look(5) == "nothing-is-left-there"
    assert (found.api.scaled, found.turn.locked(), found.api.restarted) == ([1], False, [])


def test_after_the_api_has_failed_all_is_looked_at_again(stage: Callable[..., Stage]) -> None:
    """Meanwhile somebody has scaled by hand, and all are at work: none of them is for us to take."""
    found = idle_two(stage)
    found.to_leave()
    found.api.fails = ApiError("500")
    with pytest.raises(ApiError):
        found.look(5)
    found.api.fails, found.api.quantity = None, 5
    found.workers = [worker(number, used=8) for number in range(1, 6)]
    assert found.look(3600) == "the-formation-has-changed"
    assert (found.api.scaled, found.turn.locked()) == ([], False)


def test_one_that_is_back_at_work_stays(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage)
    found.to_leave()
    found.workers[1] = worker(2, used=4)
    assert found.look(5) == "worker.2-is-back"
    assert (found.api.scaled, found.turn.locked(), found.api.restarted) == ([], False, ["worker.2", "worker.3"])


@pytest.mark.parametrize(
    ("running", "reason"), [(["app-1"], "worker.2-works-for-app-1"), (None, "worker.2-does-not-answer")]
)
def test_one_with_an_executor_holds_those_before_it_alone(
    stage: Callable[..., Stage], running: list[str] | None, reason: str
) -> None:
    found = idle_two(stage)
    found.to_leave()
    found.running["id-worker-2"] = running
    assert found.look(5) == "nothing-is-left-there"
    assert found.api.scaled == [2]
    assert found.look(5) == reason
    assert found.look(leave.WITHIN_S) == reason
    assert (found.api.scaled, found.turn.locked()) == ([2], False)


def test_files_that_came_in_the_last_moment_are_kept(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage, 2)
    found.settings.serves_shuffles = True
    found.applications = [APPLICATION]
    found.to_leave()
    found.ended["id-worker-2"] = [("app-1", "7")]
    found.written = {"7": 1}
    assert found.look(5) == "worker.2-keeps-files-of-app-1"
    found.applications = []
    assert found.look(5) == "nothing-is-left-there"
    assert found.api.scaled == [1]


@pytest.mark.parametrize(("written", "stays"), [({"6": 9, "7": 0}, False), ({"6": 9}, True), (None, True)])
def test_executors_that_wrote_nothing_keep_no_worker(
    stage: Callable[..., Stage], written: dict[str, int] | None, stays: bool
) -> None:
    """A driver that has forgotten the executor, or does not answer, may still need its files."""
    found = idle_two(stage, 2)
    found.settings.serves_shuffles = True
    found.applications = [APPLICATION]
    found.ended["id-worker-2"] = [("app-1", "7"), ("app-0", "6")]
    found.written = written
    found.look()
    assert found.look(SPARE_FOR_S) == ("worker.2-keeps-files-of-app-1" if stays else "nothing-to-do")


@pytest.mark.parametrize("state", ["DECOMMISSIONED", "DEAD"])
def test_one_that_takes_no_work_is_not_one_that_never_came(stage: Callable[..., Stage], state: str) -> None:
    """Somebody drains it by hand for an hour, or the master can't hear it."""
    found = stage(worker(1, used=8), worker(2, state))
    reasons = {found.look(60) for _ in range(10)}
    assert (reasons, found.told, found.api.scaled) == ({f"worker.2-is-{state.lower()}"}, [], [])


def test_other_process_types_are_not_ours(stage: Callable[..., Stage]) -> None:
    found = stage(worker(1, used=8), worker(2), worker(3, kind="bigworker"))
    found.to_leave()
    assert found.told == [["10.0.0.2"]]


def test_more_come_while_one_is_waited_for(stage: Callable[..., Stage]) -> None:
    """Who is idle by then is restarted, and takes work again; planned cycling restarts the other when it is idle."""
    found = idle_two(stage)
    found.to_leave()
    found.running = {"id-worker-3": ["app-1"]}
    found.wishes = [Wish("app-1", 1, Capacity(1000, 8))]
    assert found.look(5) == "worker.3-works-for-app-1"
    assert found.look(WANTED_FOR_S) == "app-1-waits-for-executors"
    assert (found.api.scaled, found.api.restarted, found.turn.locked()) == ([4], ["worker.2"], False)


def test_nobody_is_taken_away_by_more(stage: Callable[..., Stage]) -> None:
    """Between the look and the call somebody has scaled to six."""
    found = stage(worker(1, used=8), rule=Scaling(1, 8, 10, None))
    found.wishes = [Wish("app-1", 1, Capacity(1000, 8))]
    found.look()

    def meanwhile() -> list[Wish]:
        found.api.quantity = 6
        return found.wishes

    found.asked = meanwhile  # type: ignore[method-assign]
    found.look(WANTED_FOR_S)
    assert (found.api.scaled, found.api.quantity) == ([], 6)


def test_what_is_refused_is_tried_with_one_less(stage: Callable[..., Stage]) -> None:
    """An account may have ten dynos of a type."""
    found = stage(*(worker(number, used=8) for number in range(1, 9)), rule=Scaling(1, 12, 10, None))
    found.wishes = [Wish("app-1", 4, Capacity(1000, 8))]
    grants = found.api.scale

    def at_most_ten(updates: list[dict[str, Any]]) -> None:
        if updates[0]["quantity"] > 10:
            raise ApiError("Cannot update to more than 10 dynos per process type.", status=422)
        grants(updates)

    found.api.scale = at_most_ten  # type: ignore[method-assign]
    for _ in range(6):
        found.look(WANTED_FOR_S)
    assert found.api.scaled == [10]
    assert found.look(WANTED_FOR_S) in ("more-than-10-were-refused", "2-on-the-way")


def test_a_turn_of_somebody_else_is_waited_for(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage)
    found.look()
    found.turn.acquire()
    assert found.look(SPARE_FOR_S) == "another-worker-has-its-turn"
    found.turn.release()
    assert found.look(5) == "nothing-to-do"


@pytest.mark.parametrize("fault", ["refused", "unknown"])
def test_a_master_that_was_not_told_leaves_nobody_behind(stage: Callable[..., Stage], fault: str) -> None:
    found = idle_two(stage)
    found.look()

    def knows(hosts: list[str]) -> int:
        if fault == "refused":
            raise CheckFailed("no answer")
        return 1

    found.knows = knows
    if fault == "refused":
        with pytest.raises(CheckFailed):
            found.look(SPARE_FOR_S)
    else:
        found.look(SPARE_FOR_S)
        assert found.api.restarted == ["worker.2", "worker.3"]
    assert (found.turn.locked(), found.api.scaled) == (False, [])


def test_another_leader_is_left_alone(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage)
    found.to_leave()
    found.url = URL.replace("1.", "2.", 1)
    assert found.look(5) == "nobody-asks-us"
    assert (found.api.scaled, found.turn.locked()) == ([], False)


def test_silence_of_the_masters_is_no_news(stage: Callable[..., Stage]) -> None:
    found = idle_two(stage)
    found.to_leave()
    found.url = ""
    assert found.look(5) == "nobody-asks-us"
    assert (found.api.restarted, found.turn.locked()) == ([], True)
    found.url = URL
    assert found.look(5) == "nothing-is-left-there"


def test_what_fails_is_said_once(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = stage(worker(1, used=8))

    def refuses() -> list[dict[str, Any]]:
        raise ApiError("no", status=503)

    looks = itertools.count()

    def sleep(seconds: float) -> None:
        if next(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(found.api, "formation", refuses)
    monkeypatch.setattr(autoscaler.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        found.scaler.run()
    assert capsys.readouterr().err.count("at=scaling-stopped") == 1
