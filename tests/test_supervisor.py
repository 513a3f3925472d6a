"""Graceful cycling: whom it restarts, by table; and what it does against an API and a master that misbehave."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from sparkspace.box import vars
from sparkspace.cluster import class_server, tally
from sparkspace.cluster.master import MasterStatus, Worker
from sparkspace.config import Cycling, Dyno, Settings
from sparkspace.cycling import registered, supervisor
from sparkspace.cycling.supervisor import Supervisor
from sparkspace.cycling.verdict import Rule, verdicts
from sparkspace.heroku import wire
from sparkspace.heroku.client import Client
from sparkspace.heroku.listed import ListedDyno

from . import launchers
from .api_server import HALF, HANG_UP, NEVER, TOKEN, Answer, Api, error, serving
from .cluster_page import DOMAIN, Page, showing

NOW = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
MASTER_SINCE = NOW - timedelta(minutes=3)


def dyno(name: str, age_minutes: float, state: str = "up") -> ListedDyno:
    at = NOW - timedelta(minutes=age_minutes)
    return ListedDyno(f"id-of-{name}", name, name.partition(".")[0], state, at, at)


@pytest.mark.parametrize(
    ("worker", "is_registered", "everybody", "reason"),
    [
        (dyno("worker.1", 600), False, False, "RESTART did-not-register"),
        (dyno("worker.1", 600), True, False, ""),
        (dyno("worker.1", 600), True, True, "RESTART all"),
        (dyno("worker.1", 600), False, True, "RESTART all"),
        (dyno("worker.1", 60), False, False, "RESTART did-not-register"),
        (dyno("worker.1", 59), False, False, "younger-than-60-minutes"),
        (dyno("worker.1", 59), True, True, "younger-than-60-minutes"),
        (dyno("worker.1", 3), False, False, "younger-than-the-master"),
        (dyno("worker.1", 1), True, True, "younger-than-the-master"),
        (dyno("worker.1", 600, "crashed"), False, False, "is-crashed"),
        (dyno("worker.1", 600, "starting"), False, True, "is-starting"),
        (dyno("worker.1", 600, "down"), False, False, "is-down"),
        (dyno("worker.1", 600, "napping"), False, False, "is-napping"),
    ],
)
def test_who_is_restarted_and_who_is_left(
    worker: ListedDyno, is_registered: bool, everybody: bool, reason: str
) -> None:
    rule = Rule(everybody, timedelta(minutes=60), MASTER_SINCE)
    found = verdicts([worker], {worker.name} if is_registered else set(), rule, NOW)
    assert [("RESTART " if each.act else "") + each.reason for each in found] == ([reason] if reason else [])


def test_order_is_that_of_numbers_and_the_older_rule_wins_over_the_age() -> None:
    pool = [dyno(f"worker.{number}", 600) for number in (10, 2, 1)]
    found = verdicts(pool, set(), Rule(False, timedelta(minutes=60), MASTER_SINCE), NOW)
    assert [each.dyno.name for each in found] == ["worker.1", "worker.2", "worker.10"]
    young = Rule(False, timedelta(minutes=1), NOW - timedelta(minutes=700))
    assert [each.reason for each in verdicts(pool, set(), young, NOW)] == ["younger-than-the-master"] * 3


def test_master_that_crashes_again_and_again_restarts_a_deaf_worker_once_an_hour_at_most() -> None:
    """A day of masters that live four minutes each, and a worker that never registers: what the rule alone allows."""
    made, restarts = NOW - timedelta(days=1), []
    for minutes in range(0, 24 * 60, 4):
        now = NOW + timedelta(minutes=minutes)
        worker = dataclasses.replace(dyno("worker.1", 0), created_at=made, since=made)
        (found,) = verdicts([worker], set(), Rule(False, timedelta(minutes=60), now - timedelta(minutes=3)), now)
        if found.act:
            restarts.append(now)
            made = now
    assert len(restarts) == 24
    assert min(b - a for a, b in zip(restarts, restarts[1:], strict=False)) >= timedelta(minutes=60)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (f"http://2.worker.{DOMAIN}:8081", {"worker.2"}),
        ("http://2.worker.other-app.app.localspace:8081", set()),
        ("http://10.1.2.3:8081", set()),
        ("", set()),
        ("http://[half", set()),
    ],
)
def test_workers_are_known_by_the_name_that_they_announce(page: str, names: set[str]) -> None:
    one = Worker("worker-1", "10.1.2.3", "ALIVE", 1, 0, 1, 0, page)
    dead = dataclasses.replace(one, state="DEAD", page=f"http://9.worker.{DOMAIN}:8081")
    assert set(registered.workers(MasterStatus("x", "ALIVE", (one, dead)), DOMAIN)) == names


# Against servers

DYNOS = "GET /apps/my-app/dynos"
OLD, YOUNG = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def listed(*names: str, made: str = OLD, state: str = "up") -> list[dict[str, str]]:
    return [
        {"id": f"id-of-{name}", "name": name, "type": name.partition(".")[0], "state": state,
         "created_at": made, "updated_at": made}
        for name in names
    ]  # fmt: skip


MASTER = listed("master.1", made=YOUNG)


def delete(name: str) -> str:
    return f"DELETE /apps/my-app/dynos/id-of-{name}"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(supervisor, "ALIVE_WITHIN_S", 1.0)
    monkeypatch.setattr(supervisor, "BACK_WITHIN_S", 1.5)
    monkeypatch.setattr(wire, "FIRST_PAUSE_S", 0.01)


def supervise(page: Page, api: Api, everybody: bool = False, wait_s: float = 0.4) -> None:
    here = Dyno("master.1", page.ip, DOMAIN, f"1.master.{DOMAIN}")
    client = Client(api.url, TOKEN, "my-app", within_s=3)
    cycling = Cycling(TOKEN, everybody, wait_s, 60, None)  # type: ignore[arg-type]  # nobody has seconds to spend here
    Supervisor(here, Settings.from_env({}), cycling, client, datetime.now(timezone.utc)).run()


def steps(text: str) -> list[str]:
    """Our lines of the log, without what differs from run to run."""
    lines = [line.partition("sparkspace at=cycling-")[2] for line in text.splitlines()]
    return [line.partition(" after_s=")[0] for line in lines if line]


pytestmark = pytest.mark.usefixtures("quick")
BEGINS = "begins workers=missing wait_s=0.4"


def test_workers_that_register_by_themselves_are_left(capfd: pytest.CaptureFixture[str]) -> None:
    """Two calls, and no more."""
    dynos = Answer(MASTER + listed("worker.1", "worker.2", "web.1"))
    with showing(Page(workers=("worker.1", "worker.2"))) as page, serving({DYNOS: dynos}) as api:
        supervise(page, api)
    assert api.lines == [DYNOS, DYNOS]
    assert steps(capfd.readouterr().err) == [BEGINS, "over reason=done workers=2 restarted=0"]


def test_worker_that_registers_late_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    page = Page(workers=("worker.1",))
    soon = threading.Timer(0.3, page.register, ["worker.2"])
    dynos = MASTER + listed("worker.1", "worker.2")
    first = [Answer(dynos, then=soon.start), Answer(dynos)]
    with showing(page), serving({DYNOS: first}) as api:
        supervise(page, api, wait_s=20)
    assert api.lines == [DYNOS, DYNOS]


def test_worker_that_stays_away_is_restarted_alone_by_its_id(capfd: pytest.CaptureFixture[str]) -> None:
    page = Page(workers=("worker.1",))
    script = {
        DYNOS: Answer(MASTER + listed("worker.1", "worker.2") + listed("worker.3", made=YOUNG)),
        delete("worker.2"): Answer({}, 202, then=lambda: page.register("worker.2")),
    }
    with showing(page), serving(script) as api:
        supervise(page, api)
    assert api.lines == [DYNOS, DYNOS, delete("worker.2")]
    assert steps(capfd.readouterr().err) == [
        BEGINS,
        "left dyno=worker.3 reason=younger-than-the-master",
        "restart dyno=worker.2 reason=did-not-register",
        "back dyno=worker.2",
        "over reason=done workers=3 restarted=1",
    ]


def test_the_old_rule_restarts_all_one_by_one_once_the_last_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    page, seen = Page(workers=("worker.1", "worker.2")), []

    def restart(name: str) -> None:
        seen.append(f"{name} goes")
        threading.Timer(0.3, come_back, [name]).start()

    def come_back(name: str) -> None:
        seen.append(f"{name} comes")
        page.register(name)

    script = {DYNOS: Answer(MASTER + listed("worker.1", "worker.2"))} | {
        delete(name): Answer({}, 202, then=functools.partial(restart, name)) for name in ("worker.1", "worker.2")
    }
    with showing(page), serving(script) as api:
        supervise(page, api, everybody=True)
    assert api.lines == [DYNOS, DYNOS, delete("worker.1"), delete("worker.2")]
    assert seen == ["worker.1 goes", "worker.1 comes", "worker.2 goes", "worker.2 comes"]
    assert steps(capfd.readouterr().err) == [
        "begins workers=all wait_s=0.4",
        "restart dyno=worker.1 reason=all",
        "back dyno=worker.1",
        "restart dyno=worker.2 reason=all",
        "back dyno=worker.2",
        "over reason=done workers=2 restarted=2",
    ]


def test_worker_that_does_not_come_back_holds_up_nobody_for_ever(capfd: pytest.CaptureFixture[str]) -> None:
    page = Page()
    script = {DYNOS: Answer(MASTER + listed("worker.1")), delete("worker.1"): Answer({}, 202)}
    with showing(page), serving(script) as api:
        supervise(page, api)
    assert api.lines.count(delete("worker.1")) == 1
    assert steps(capfd.readouterr().err)[-2:] == ["absent dyno=worker.1", "over reason=done workers=1 restarted=1"]


@pytest.mark.parametrize("state", ["STANDBY", "RECOVERING"])
def test_master_that_does_not_lead_asks_the_api_nothing(state: str, capfd: pytest.CaptureFixture[str]) -> None:
    with showing(Page(state)) as page, serving({DYNOS: Answer(listed("worker.1"))}) as api:
        supervise(page, api)
    assert api.asked == []
    assert steps(capfd.readouterr().err) == [f"over reason=this-master-is-{state}"]


def test_master_that_is_deposed_meanwhile_restarts_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    page = Page()

    def depose() -> None:
        page.state = "STANDBY"

    dynos = MASTER + listed("worker.1", "worker.2")
    with showing(page), serving({DYNOS: [Answer(dynos), Answer(dynos, then=depose)]}) as api:
        supervise(page, api)
    assert api.lines == [DYNOS, DYNOS]
    assert steps(capfd.readouterr().err) == [
        BEGINS,
        "left dyno=worker.1 reason=master-is-STANDBY",
        "left dyno=worker.2 reason=master-is-STANDBY",
        "over reason=done workers=2 restarted=0",
    ]


def test_master_that_is_not_the_first_any_more_restarts_nobody(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without ZooKeeper every master is ALIVE, and the one that starts first need not be the first."""
    first, page = Page("STANDBY"), Page()
    urls = [f"http://{first.ip}:8080", f"http://1.master.{DOMAIN}:8080"]
    monkeypatch.setattr(registered.topology, "master_ui_urls", lambda *_: urls)

    def come_up() -> None:
        first.state = "ALIVE"

    dynos = MASTER + listed("worker.1")
    with showing(first), showing(page), serving({DYNOS: [Answer(dynos), Answer(dynos, then=come_up)]}) as api:
        supervise(page, api)
    assert api.lines == [DYNOS, DYNOS]
    assert steps(capfd.readouterr().err)[1] == "left dyno=worker.1 reason=another-master-leads"


def test_only_the_first_of_several_masters_that_are_alive_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Page(), Page()
    urls = [f"http://{page.ip}:8080" for page in (first, second)]
    monkeypatch.setattr(registered.topology, "master_ui_urls", lambda *_: urls)
    settings = Settings.from_env({})
    with showing(first), showing(second):
        leads = [registered.leads(Dyno(f"master.{n}", page.ip, DOMAIN, page.ip), settings)
                 for n, page in ((1, first), (2, second))]  # fmt: skip
        assert leads == [True, False]
        first.state = "STANDBY"
        assert registered.leads(Dyno("master.2", second.ip, DOMAIN, second.ip), settings)
    assert not registered.leads(Dyno("run.1", "127.0.0.1", DOMAIN, f"1.run.{DOMAIN}"), settings)


GOOD, BUSY, FAULT = Answer(MASTER + listed("worker.1")), error(429, "rate_limit"), error(500, "x")
GONE, ELSEWHERE = error(404, "not_found"), Answer(status=302, headers={"Location": "http://127.0.0.1:9/"})
ONE, RESTARTED = delete("worker.1"), Answer({}, 202)
Script = dict[str, Answer | list[Answer]]
# What the API does; the calls that are made; what the log says.
TABLE: dict[str, tuple[Script, int, str]] = {
    "slow": ({DYNOS: Answer(GOOD.body, delay_s=0.5), ONE: Answer({}, 202, delay_s=0.5)}, 3, "restart dyno=worker.1"),
    "429 twice": ({DYNOS: [BUSY, BUSY, GOOD], ONE: RESTARTED}, 5, "restart dyno=worker.1"),
    "429 for ever": ({DYNOS: BUSY}, 6, "stopped reason=RateLimited status=429"),
    "429 for an hour": ({DYNOS: error(429, "x", Retry_After="3600")}, 1, "stopped reason=RateLimited status=429"),
    "500 once": ({DYNOS: [FAULT, GOOD], ONE: RESTARTED}, 4, "restart dyno=worker.1"),
    "500 for ever": ({DYNOS: FAULT}, 6, "stopped reason=ApiError status=500"),
    "500 for a restart": ({DYNOS: GOOD, ONE: FAULT}, 8, "stopped reason=ApiError status=500"),
    "half a body": ({DYNOS: HALF}, 6, "stopped reason=Unanswered status=0"),
    "hangs up": ({DYNOS: HANG_UP}, 6, "stopped reason=Unanswered status=0"),
    "wrong JSON": ({DYNOS: Answer(b"{")}, 1, "stopped reason=BadAnswer status=0"),
    "no list": ({DYNOS: Answer({"dynos": []})}, 1, "stopped reason=BadAnswer status=0"),
    "no dynos": ({DYNOS: Answer([{"name": "worker.1"}])}, 1, "stopped reason=BadAnswer status=0"),
    "401": ({DYNOS: error(401, "unauthorized")}, 1, "stopped reason=TokenRefused status=401"),
    "403": ({DYNOS: GOOD, ONE: error(403, "forbidden")}, 3, "stopped reason=PermissionMissing status=403"),
    "404": ({DYNOS: GONE}, 1, "stopped reason=NotThere status=404"),
    "redirect": ({DYNOS: ELSEWHERE}, 1, "stopped reason=BadAnswer status=0"),
    "never": ({DYNOS: NEVER}, 1, "stopped reason=Unanswered status=0"),
    "never, for a restart": ({DYNOS: GOOD, ONE: NEVER}, 3, "stopped reason=Unanswered status=0"),
    "the dyno has gone": ({DYNOS: GOOD, ONE: GONE}, 3, "left dyno=worker.1 reason=has-gone"),
    "an answer is lost": ({DYNOS: GOOD, ONE: [HANG_UP, GONE]}, 4, "left dyno=worker.1 reason=has-gone"),
    "the second list fails": ({DYNOS: [GOOD, FAULT]}, 7, "stopped reason=ApiError status=500"),
}


@pytest.mark.parametrize(("script", "calls", "says"), TABLE.values(), ids=TABLE)
def test_api_that_misbehaves(script: Script, calls: int, says: str, capfd: pytest.CaptureFixture[str]) -> None:
    """It ends by itself, after so many calls and no more; what went wrong is said once, with its cure."""
    with showing(Page()) as page, serving(script) as api:
        supervise(page, api)
    said = capfd.readouterr().err
    assert any(step.startswith(says) for step in steps(said))
    assert len(api.asked) == calls
    assert len([line for line in steps(said) if line.startswith("stopped")]) == ("stopped" in says)
    assert said.count("The cluster goes on; its workers are not restarted.") == ("stopped" in says)
    assert TOKEN not in said and "Traceback" not in said


def test_wrong_token_is_said_with_its_cure(capfd: pytest.CaptureFixture[str]) -> None:
    with showing(Page()) as page, serving({DYNOS: error(401, "unauthorized", "Invalid credentials.")}) as api:
        supervise(page, api)
    assert capfd.readouterr().err.splitlines()[1:] == [
        "sparkspace at=cycling-stopped reason=TokenRefused status=401",
        " !     Heroku does not take the token: Invalid credentials.",
        " !     Set a new one: heroku config:set "
        "SPARK_HEROKU_ACCESS_TOKEN=$(heroku authorizations:create --scope write --short) -a my-app",
        " !     The cluster goes on; its workers are not restarted.",
    ]


# As a process beside a master

SPARK_CLASS = """\
#!{python} -I
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open({page!r}, "rb").read())
    def log_message(self, *_):
        pass
print("master", os.getpid(), "SPARK_HEROKU_ACCESS_TOKEN" in os.environ, flush=True)
HTTPServer((os.environ["SPARK_LOCAL_IP"], 8080), Page).serve_forever()
"""


@contextlib.contextmanager
def master(
    env: dict[str, str], folder: Path, page: Page, api: Api, launcher: str = "spark-master", **config: str
) -> Iterator[subprocess.Popen[str]]:
    """``bin/spark-master`` with a Spark that only has the JSON page."""
    (folder / "page.json").write_text(page.text())
    spark_class = folder / "spark" / "bin" / "spark-class"
    spark_class.write_text(SPARK_CLASS.format(python=sys.executable, page=str(folder / "page.json")))
    facts = {"DYNO": "master.1", "HEROKU_PRIVATE_IP": page.ip, "HEROKU_DNS_APP_NAME": DOMAIN,
             "HEROKU_DNS_DYNO_NAME": f"1.master.{DOMAIN}", "HEROKU_HOST": api.url}  # fmt: skip
    process = subprocess.Popen(
        [launchers.ROOT / "bin" / launcher], env={**env, **facts, **config}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout
        assert process.stdout.readline() == f"master {process.pid} False\n"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def children(pid: int) -> list[int]:
    """The children of a process that have not ended."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if ") Z " not in Path(f"/proc/{child}/stat").read_text()]


def until(what: Callable[[], object], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


ON = {
    "SPARK_HEROKU_ACCESS_TOKEN": TOKEN,
    "SPARKSPACE_CYCLING_WAIT_S": "5",
    "SPARKSPACE_DYNO_LIFETIME_HOURS": "off",
}


@pytest.mark.parametrize("launcher", ["spark-master", "spark-master-with-graceful-cycling"])
def test_it_runs_beside_the_master_and_does_no_more_than_it_has_to(
    dyno: dict[str, str], tmp_path: Path, launcher: str
) -> None:
    page = Page(workers=("worker.1",))
    with serving({DYNOS: Answer(MASTER + listed("worker.1"))}) as api:
        with master(dyno, tmp_path, page, api, launcher, **ON) as process:
            assert process.stderr
            assert any("at=cycling-over reason=done" in line for line in process.stderr)
            (child,) = children(process.pid)  # it goes on to count
            assert process.poll() is None
        assert api.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert api.lines == [DYNOS, DYNOS]


def test_it_ends_with_the_master(dyno: dict[str, str], tmp_path: Path) -> None:
    """However that ends, and whatever the child is doing: here it waits for an API that never answers."""
    with serving({DYNOS: NEVER}) as api, master(dyno, tmp_path, Page(), api, **ON) as process:
        until(lambda: api.asked)
        (child,) = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: not Path(f"/proc/{child}").exists() or ") Z " in Path(f"/proc/{child}/stat").read_text(), 10)


def test_master_goes_on_without_it(dyno: dict[str, str], tmp_path: Path) -> None:
    with serving({DYNOS: NEVER}) as api, master(dyno, tmp_path, Page(), api, **ON) as process:
        until(lambda: api.asked)
        (child,) = children(process.pid)
        os.kill(child, signal.SIGKILL)
        until(lambda: not children(process.pid), 10)
        assert process.poll() is None


@pytest.mark.parametrize(
    "config", [{}, {**ON, "SPARKSPACE_CYCLING": "off"}, {"SPARK_HEROKU_ACCESS_TOKEN": ""}], ids=str
)
def test_without_a_token_or_turned_off_it_only_counts(
    dyno: dict[str, str], tmp_path: Path, config: dict[str, str]
) -> None:
    page = Page()
    with serving({DYNOS: NEVER}) as api, master(dyno, tmp_path, page, api, **config) as process:
        client = tally.clients(f"spark://{page.ip}:7077", launchers.SECRET, "web.1")[0]
        until(lambda: counted(client))
        assert children(process.pid)
        client.close()
    assert api.lines == []


def counted(client: class_server.Client) -> bool:
    """Whether somebody counts there."""
    with contextlib.suppress(class_server.Away):
        return b"sparkspace_drains_total" in client.ask("GET", tally.COUNTS, within_s=5).body
    return False


@pytest.mark.parametrize(
    ("config", "given"),
    [
        ({}, {}),
        ({"SPARKSPACE_CYCLING": ""}, {}),
        ({"SPARKSPACE_CYCLING": "off"}, {}),
        ({"SPARKSPACE_CYCLING": "all", "SPARK_HEROKU_ACCESS_TOKEN": "mine"}, {}),
        ({"SPARKSPACE_CYCLING": "all", "SPARK_HEROKU_ACCESS_TOKEN": " "}, {"SPARK_HEROKU_ACCESS_TOKEN": "the-box-s"}),
        ({"SPARKSPACE_CYCLING": "missing"}, {"SPARK_HEROKU_ACCESS_TOKEN": "the-box-s"}),
        ({"SPARKSPACE_DYNO_LIFETIME_HOURS": "0.5"}, {"SPARK_HEROKU_ACCESS_TOKEN": "the-box-s"}),
        ({"SPARKSPACE_DYNO_LIFETIME_HOURS": "off"}, {}),
        (
            {"SPARKSPACE_CYCLING": "missing", "SPARKSPACE_DYNO_LIFETIME_HOURS": "off"},
            {"SPARK_HEROKU_ACCESS_TOKEN": "the-box-s"},
        ),
        ({"SPARKSPACE_CYCLING": "off", "SPARKSPACE_DYNO_LIFETIME_HOURS": "22"}, {}),
    ],
)
def test_box_gives_its_own_token_if_cycling_is_asked_for(config: dict[str, str], given: dict[str, str]) -> None:
    assert vars.with_access(config, "the-box-s") == {**config, **given}
