"""The master's JSON page, asked of real servers: good ones, bad ones, and none."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sparkspace.cluster import master
from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.cluster.waiting import wait_for_workers
from sparkspace.errors import MasterUnreachable, UsageError

PAGE = (Path(__file__).parent / "cases" / "master" / "alive.json").read_text()  # recorded from a master of Spark 4.3.0
WORKER = Worker(
    "worker-20261121043051-127.0.0.1-45305", "127.0.0.1", "ALIVE", 2, 2, 1024, 512, "http://127.0.0.1:28081"
)
APPLICATION = Application("app-20261121043103-0000", "a job", "root", "RUNNING", 2, 512, 3.835)


@dataclasses.dataclass
class Server:
    """A server for ``/json/``. What it answers can be changed while it runs."""

    body: str = PAGE
    status: int = 200
    delay_s: float = 0
    url: str = ""
    asked: int = 0


@contextlib.contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run it on a free port of loopback."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked += 1
            closing.wait(server.delay_s)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(server.status if self.path == "/json/" else 404)
                self.send_header("Content-Type", "text/json;charset=utf-8")
                self.end_headers()
                self.wfile.write(server.body.encode())

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        closing.set()
        http.shutdown()
        http.server_close()
        thread.join()


def page(**changes: object) -> str:
    return json.dumps({**json.loads(PAGE), **changes})


def worker(**changes: object) -> dict[str, object]:
    return {**json.loads(PAGE)["workers"][0], **changes}


def test_alive_master() -> None:
    with serving(Server()) as server:
        found = master.ask(server.url)
    assert found == MasterStatus(server.url, "ALIVE", (WORKER,), (APPLICATION,))
    assert master.leader([MasterStatus("x", "STANDBY"), found]) is found


@pytest.mark.parametrize("state", ["STANDBY", "RECOVERING", "COMPLETING_RECOVERY"])
def test_master_that_does_not_lead(state: str) -> None:
    with serving(Server(page(status=state, workers=[], activeapps=[]))) as server:
        found = master.ask(server.url)
    assert found == MasterStatus(server.url, state)
    assert master.leader([found]) is None


def test_dead_worker_takes_no_work() -> None:
    with serving(Server(page(workers=[worker(state="DEAD"), worker()]))) as server:
        found = master.ask(server.url)
    assert [one.state for one in found.workers] == ["DEAD", "ALIVE"]
    assert found.alive_workers == (WORKER,)


NOT_A_MASTER = "its answer is not that of a Spark master"


@pytest.mark.parametrize(
    "body",
    [
        "", "<html>It works!</html>", "[]", "null", "7", '"ALIVE"', "{}", '{"status": "ALIVE"}', '{"workers": []}',
        page(workers=None), page(workers=7), page(workers=[{}]), page(workers=["x"]), page(activeapps=[[]]),
        page(workers=[worker(cores="two")]), page(workers=[worker(memory=None)]),
        page(workers=[worker(memory=float("inf"))]), "[" * 9999,
    ],
)  # fmt: skip
def test_page_of_something_else(body: str) -> None:
    with serving(Server(body)) as server:
        assert master.ask(server.url) == MasterStatus(server.url, "DOWN", problem=NOT_A_MASTER)


def test_server_with_an_error() -> None:
    with serving(Server(status=500)) as server:
        found = master.ask(server.url)
        elsewhere = master.ask(f"{server.url}/nowhere")
    assert (found.state, found.problem[:25]) == ("DOWN", "500 Server Error: Interna")
    assert (elsewhere.state, elsewhere.problem[:20]) == ("DOWN", "404 Client Error: No")


def test_slow_master() -> None:
    with serving(Server(delay_s=60)) as server:
        since = time.monotonic()
        assert master.ask(server.url, timeout_s=0.1) == MasterStatus(server.url, "DOWN", problem="no answer in time")
        assert time.monotonic() - since < 10


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
    assert master.ask(url) == MasterStatus(url, "DOWN", problem="connection refused")


@pytest.mark.parametrize("host", ["1.master.myapp.invalid", f"{'a' * 64}.invalid", "a..invalid", "-", "é.invalid"])
def test_name_that_does_not_resolve(host: str) -> None:
    found = master.ask(f"http://{host}:8080")
    assert found.state == "DOWN"
    assert found.problem and "\n" not in found.problem
    if host == "1.master.myapp.invalid":
        assert found.problem == "its name does not resolve"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(Server()) as server:
        assert master.ask(server.url).state == "ALIVE"


def test_all_masters_are_asked() -> None:
    with serving(Server(page(status="STANDBY"))) as one, serving(Server()) as two:
        masters = master.ask_all([one.url, two.url, "http://nobody.invalid:8080"])
    assert [each.state for each in masters] == ["STANDBY", "ALIVE", "DOWN"]
    found = master.leader(masters)
    assert found and found.url == two.url


def test_wait_ends_when_the_workers_are_there() -> None:
    with serving(Server(page(workers=[]))) as server:
        threading.Timer(0.3, lambda: setattr(server, "body", PAGE)).start()
        found = wait_for_workers(lambda: [master.ask(server.url)], 1, 30)
    assert found.alive_workers == (WORKER,)
    assert server.asked > 1


def test_wait_for_no_workers_is_a_wait_for_a_master() -> None:
    with serving(Server(page(workers=[]))) as server:
        assert wait_for_workers(lambda: [master.ask(server.url)], 0, 30).state == "ALIVE"


@pytest.mark.parametrize(
    ("masters", "message", "kind"),
    [
        ([MasterStatus("http://a", "ALIVE", (WORKER,))], "1 of 2 workers are registered after 0.3 s.", "worker"),
        (
            [MasterStatus("http://a", "STANDBY"), MasterStatus("http://b", "DOWN", problem="connection refused")],
            "No master is ALIVE after 0.3 s: http://a is STANDBY; http://b is DOWN (connection refused).",
            "master",
        ),
    ],
)
def test_wait_has_a_deadline(masters: list[MasterStatus], message: str, kind: str) -> None:
    since = time.monotonic()
    with pytest.raises(MasterUnreachable) as caught:
        wait_for_workers(lambda: masters, 2, 0.3)
    assert 0.3 <= time.monotonic() - since < 10
    assert caught.value.message == message
    assert f"heroku logs --ps {kind}" in caught.value.cure


@pytest.mark.parametrize(("workers", "timeout_s"), [(-1, 1), (1, 0), (1, -5)])
def test_wait_for_the_impossible(workers: int, timeout_s: float) -> None:
    with pytest.raises(UsageError):
        wait_for_workers(lambda: [MasterStatus("x", "ALIVE", (WORKER,) * 9)], workers, timeout_s)
