"""A worker's turn against an API over HTTP: whatever goes wrong, no worker is left that has been told to go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sparkspace.cluster import worker
from sparkspace.cluster.master import MasterStatus, Worker
from sparkspace.cycling import turn
from sparkspace.cycling.turn import Turns
from sparkspace.errors import CheckFailed, MasterUnreachable
from sparkspace.heroku import wire
from sparkspace.heroku.client import Client
from sparkspace.heroku.refusals import PermissionMissing

from .api_server import TOKEN, Answer, Api, error, serving
from .test_planner import DOMAIN, dyno, place
from .test_supervisor import DYNOS, delete, listed

ONE = dyno("worker.1")
RESTART = delete("worker.1").replace("id-of-worker.1", ONE.id)
PAGE = f"http://1.worker.{DOMAIN}:8081"


def master(*states: str) -> MasterStatus:
    """A page with the old worker in this state, and perhaps a new one that is ALIVE."""
    workers = [
        Worker(id, f"10.0.0.{number}", state, 1, 0, 1, 0, PAGE)
        for number, (id, state) in enumerate(zip(("old", "new"), states, strict=False), 1)
    ]
    return MasterStatus("http://one:8080", "ALIVE", tuple(workers))


ALIVE, LEAVING, BACK, NOBODY = master("ALIVE"), master("DECOMMISSIONED"), master("DEAD", "ALIVE"), None


class Scene:
    """What the master and the worker say, one answer after the other; the last is repeated."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.pages: list[MasterStatus | None] = [ALIVE, ALIVE, LEAVING]
        self.applications: list[list[str] | None] = [["app-1"], ["app-1"], []]
        self.told: list[str] = []
        self.tell: Callable[[], int] = lambda: 1

    def page(self) -> MasterStatus | None:
        if RESTART in self.api.lines:
            return BACK
        return self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]

    def running(self, one: Worker) -> list[str] | None:
        found = self.applications.pop(0) if len(self.applications) > 1 else self.applications[0]
        if found == ["ctrl-c"]:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        return found

    def decommission(self, place: object, host: str, hosts: list[str]) -> int:
        self.told += hosts
        return self.tell()


SCRIPT: dict[str, Any] = {DYNOS: Answer(listed("worker.1")), RESTART: Answer({})}


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(turn, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(turn, "BACK_WITHIN_S", 0.3)
    monkeypatch.setattr(turn, "EXECUTOR_STARTS_S", 0.0)
    monkeypatch.setattr(wire, "FIRST_PAUSE_S", 0.01)
    with serving(SCRIPT) as api:
        found = Scene(api)
        monkeypatch.setattr(turn, "decommission", found.decommission)
        monkeypatch.setattr(worker, "applications", found.running)
        yield found


def take(scene: Scene, patience_s: float = 5) -> bool:
    turns = Turns(place(), Client(scene.api.url, TOKEN, "my-app", within_s=3))
    turns.page = scene.page  # type: ignore[method-assign]
    return turns.worker(ONE, patience_s)


def steps(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = [line.partition("at=cycling-")[2] for line in capsys.readouterr().err.splitlines()]
    return [line.partition(" after_s")[0].replace(" dyno=worker.1", "") for line in lines]


DRAIN = ["drain executors=1 within=5s", "drained", "restart reason=its-turn", "back"]


@pytest.mark.parametrize(
    ("pages", "applications", "said"),
    [
        ([ALIVE, ALIVE, LEAVING], [["app-1"], ["app-1"], ["app-1"], []], DRAIN),
        # Too busy to answer, and no master for a moment: neither is an end.
        ([ALIVE, ALIVE, LEAVING, NOBODY, LEAVING], [["app-1"], ["app-1"], None, None, None, []], DRAIN),
        ([ALIVE, ALIVE, LEAVING, master("DEAD")], [["app-1"], ["app-1"], None], DRAIN),  # its dyno has ended
        ([ALIVE, ALIVE, LEAVING, ALIVE], [["app-1"]], DRAIN),  # another master leads, which gives it work again
        ([ALIVE, ALIVE], [[]], ["drain executors=0 within=5s", *DRAIN[1:]]),
        ([BACK], [[]], ["drain executors=0 within=5s", *DRAIN[1:3], "absent"]),  # the new one is registered already
        ([LEAVING], [[]], DRAIN[2:]),  # somebody else's turn, which has been left
    ],
)
def test_turn_is_taken(
    scene: Scene, capsys: pytest.CaptureFixture[str], pages: list[Any], applications: list[Any], said: list[str]
) -> None:
    scene.pages, scene.applications = pages, applications
    assert take(scene) == (said[-1] == "back")
    assert steps(capsys) == said
    assert scene.api.lines == [DYNOS, RESTART]


def test_patience_has_an_end(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.applications = [["app-1"]]
    assert take(scene, 0.1)
    assert steps(capsys) == ["drain executors=1 within=0s", "cut-off", *DRAIN[2:]]


def test_dyno_that_was_replaced_meanwhile_is_left(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.api.script[DYNOS] = [Answer(listed("worker.2"))]
    assert take(scene)
    assert steps(capsys) == ["left reason=has-been-replaced"]
    assert (scene.told, scene.api.lines) == ([], [DYNOS])


def test_nothing_is_done_while_no_master_leads(scene: Scene) -> None:
    scene.pages = [NOBODY]
    with pytest.raises(MasterUnreachable):
        take(scene)
    assert (scene.told, scene.api.lines) == ([], [DYNOS])


@pytest.mark.parametrize("known", [True, False])
def test_master_that_can_not_be_told(scene: Scene, capsys: pytest.CaptureFixture[str], known: bool) -> None:
    def fail() -> int:
        if known:
            raise CheckFailed("Telling the master failed.", "Why.")
        return 0

    scene.tell = fail
    assert take(scene)
    reason = '"Telling the master failed. Why."' if known else "unknown-to-the-master"
    assert steps(capsys) == [f"undrained reason={reason}", *DRAIN[2:]]


def test_dyno_that_ends_by_itself_is_waited_for(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.api.script[RESTART] = [error(404, "not_found")]
    assert take(scene)
    assert steps(capsys) == [*DRAIN[:3], "left reason=has-gone", "back"]


def test_token_that_may_not_restart_leaves_a_word(scene: Scene) -> None:
    scene.api.script[RESTART] = [error(403, "forbidden")]
    with pytest.raises(PermissionMissing) as caught:
        take(scene)
    assert "worker.1 takes no work until then, or until: heroku ps:restart worker.1 -a myapp" in caught.value.cure


def test_ctrl_c_in_the_middle_restarts_it(scene: Scene) -> None:
    scene.applications = [["app-1"], ["app-1"], ["ctrl-c"]]
    with pytest.raises(KeyboardInterrupt):
        take(scene)
    assert scene.api.lines == [DYNOS, RESTART]


def test_second_ctrl_c_comes_after_the_restart(scene: Scene) -> None:
    scene.applications = [["app-1"], ["app-1"], ["ctrl-c"]]
    scene.api.script[RESTART] = [Answer({}, delay_s=0.2, then=lambda: os.kill(os.getpid(), signal.SIGINT))]
    with pytest.raises(KeyboardInterrupt):
        take(scene)
    assert scene.api.lines == [DYNOS, RESTART]
