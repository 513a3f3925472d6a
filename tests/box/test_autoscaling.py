"""The number of worker dynos follows the work: up when executors are waited for, down when nothing needs them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from .conftest import Box, copy_of_repository, until
from .cycled import Job, event_log
from .inside import MASTER, jvm, leading

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(900)]

# The API is reached through a gate of the test's own.
PROCFILE = "master: HEROKU_HOST={gate} bin/spark-master\nworker: bin/spark-worker\n"
ELASTIC = {
    "SPARKSPACE_DYNAMIC_ALLOCATION": "true",
    "SPARKSPACE_DYNAMIC_ALLOCATION_IDLE_S": "3",
    "SPARK_WORKER_CORES": "2",
    "SPARK_MASTERS": "1",
}
# Tasks that take a while, then a shuffle; then it does nothing until it may end.
BURST = """\
import os, sys, time
from operator import add
from pyspark.sql import SparkSession

TASKS, TASK_S, END = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
sc = SparkSession.builder.appName("burst").getOrCreate().sparkContext
print("ready", sc.applicationId, flush=True)

def slow(n):
    time.sleep(TASK_S)
    return n % 3, n

sums = sc.parallelize(range(TASKS), TASKS).map(slow).reduceByKey(add, 3)
assert sorted(sums.collect()) == [(k, sum(range(k, TASKS, 3))) for k in range(3)]
print("summed", flush=True)
while not os.path.exists(END):
    time.sleep(0.2)
"""

NO_SHUFFLE = BURST.replace(".reduceByKey(add, 3)", "").replace(
    "sorted(sums.collect()) == [(k, sum(range(k, TASKS, 3))) for k in range(3)]", "sums.count() == TASKS"
)


class Gate:
    """Before the box's API. ``refuse``: what it says instead, an HTTP status; 0: nothing, it hangs up."""

    def __init__(self) -> None:
        self.api = ""
        self.refuse: int | None = None
        self.refused = 0
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.answer(self)

            do_PATCH = do_POST = do_DELETE = do_GET

            def log_message(self, *_: object) -> None:
                """Not on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """As the API does, or as it was told to."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if self.refuse is not None:
            self.refused += 1
            if self.refuse:
                handler.send_error(self.refuse)
            return
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
        reply = requests.request(handler.command, f"{self.api}{handler.path}", data=body, headers=headers, timeout=60)
        handler.send_response(reply.status_code)
        for name in ("Content-Type", "Next-Range", "RateLimit-Remaining"):
            if name in reply.headers:
                handler.send_header(name, reply.headers[name])
        handler.send_header("Content-Length", str(len(reply.content)))
        handler.end_headers()
        handler.wfile.write(reply.content)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


Open = Callable[..., tuple[Box, Gate]]


@pytest.fixture
def open_box(tmp_path: Path) -> Iterator[Open]:
    """Opens a box with one worker, with such config vars."""
    box, gate = copy_of_repository(tmp_path / "repository"), Gate()

    def opened(**config: str) -> tuple[Box, Gate]:
        (box.folder / "Procfile").write_text(PROCFILE.format(gate=gate.url))
        box("up", "--detach", "--workers", "1", "--network", "loopback", env={**ELASTIC, **config})
        gate.api = box.record["url"]
        box("wait", "--workers", "1")
        return box, gate

    yield opened
    box("down")
    gate.close()


def workers(box: Box) -> int:
    """How many worker dynos the formation has."""
    lines = {line["type"]: line["quantity"] for line in box.api("GET", "formation").json()}
    return int(lines["worker"])


class Meter:
    """Counts dyno-seconds of workers while it is open."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self.seconds = 0.0
        self.most = 0

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _count(self) -> None:
        seen = time.monotonic()
        while not self._ends.wait(1):
            now, count = time.monotonic(), workers(self._box)
            self.seconds += (now - seen) * count
            self.most = max(self.most, count)
            seen = now


def tasks(log: Path) -> tuple[int, int]:
    """How many tasks of an application ended well, and how many otherwise."""
    ends = [
        event for event in map(json.loads, log.read_text().splitlines()) if event["Event"] == "SparkListenerTaskEnd"
    ]
    well = sum(event["Task End Reason"]["Reason"] == "Success" for event in ends)
    return well, len(ends) - well


def test_workers_come_for_a_burst_stay_for_its_files_and_go(open_box: Open) -> None:
    box, _ = open_box(SPARKSPACE_WORKERS_MAX="3")
    end = event_log(box, "end")  # in a folder that all dynos share
    with Job(box, "", BURST, 24, 6, end) as job:
        application = job.line("ready")[1]
        job.line("summed")
        assert workers(box) == 3
        until(lambda: any(f"reason=worker.3-keeps-files-of-{application}" in line for line in box.log()), 120)
        said = box.out("autoscale", "--dry-run", "--looks", "1")
        assert f"3 stay  worker.3-keeps-files-of-{application}" in said
        end.touch()
        assert job.process.wait(60) == 0, job.errors[-5000:]
    until(lambda: workers(box) == 1, 180)
    assert tasks(event_log(box, application)) == (24 + 3, 0)
    until(lambda: sorted(name for name in box.dynos() if name.startswith("worker.")) == ["worker.1"], 60)


@pytest.mark.long
def test_workers_without_files_go_while_their_application_is_there(open_box: Open) -> None:
    box, _ = open_box(SPARKSPACE_WORKERS_MAX="3")
    end = event_log(box, "end")
    with Job(box, "", NO_SHUFFLE, 24, 6, end) as job:
        job.line("summed")
        assert workers(box) == 3
        until(lambda: workers(box) == 1, 240)
        end.touch()
        assert job.process.wait(60) == 0, job.errors[-5000:]


@pytest.mark.long
@pytest.mark.parametrize("trouble", [False, True], ids=["", "while the API refuses and is away"])
def test_burst_of_forty_tasks(open_box: Open, trouble: bool, capsys: pytest.CaptureFixture[str]) -> None:
    box, gate = open_box(SPARKSPACE_WORKERS_MAX="4")
    end = event_log(box, "end")
    end.touch()
    began = time.monotonic()
    with Meter(box) as meter, Job(box, "", BURST, 40, 20, end) as job:
        application = job.line("ready")[1]
        if trouble:
            gate.refuse = 429
            until(lambda: gate.refused >= 2, 120)
            gate.refuse = None
            until(lambda: workers(box) > 1, 240)
            gate.refuse = 0
            time.sleep(60)
            gate.refuse = None
        assert job.process.wait(600) == 0, job.errors[-5000:]
        until(lambda: workers(box) == 1, 300)
    took_s = time.monotonic() - began
    assert meter.most == 4
    assert tasks(event_log(box, application)) == (40 + 3, 0)
    with capsys.disabled():
        print(f"\n{meter.seconds / 60:.1f} dyno-minutes; four workers all the time: {4 * took_s / 60:.1f}")


@pytest.mark.long
def test_no_worker_at_all_until_an_application_waits(open_box: Open) -> None:
    box, _ = open_box(SPARKSPACE_WORKERS_MAX="2", SPARKSPACE_WORKERS_MIN="0", SPARKSPACE_IDLE_MINUTES="1")
    until(lambda: workers(box) == 0, 180)
    end = event_log(box, "end")
    end.touch()
    with Job(box, "", BURST, 4, 1, end) as job:
        application = job.line("ready")[1]
        assert job.process.wait(240) == 0, job.errors[-5000:]
    assert tasks(event_log(box, application)) == (4 + 3, 0)
    until(lambda: workers(box) == 0, 240)


def changes(box: Box) -> list[tuple[str, int, int]]:
    """The dyno that decided, and how many workers there were, and were to be."""
    decided = re.compile(r"app\[(\S+)\]: sparkspace at=scaling workers=(\d+) to=(\d+) ")
    found = [match for match in map(decided.search, box.log()) if match]
    return [(str(dyno), int(before), int(to)) for dyno, before, to in (each.groups() for each in found) if before != to]


@pytest.mark.long
def test_of_three_masters_the_one_that_leads_decides(tmp_path: Path) -> None:
    box = copy_of_repository(tmp_path / "repository")
    formation = json.loads((box.folder / "app.json").read_text())["formation"]
    (box.folder / "app.json").write_text(json.dumps({"formation": {**formation, "web": {"quantity": 0}}}))
    config = {name: value for name, value in ELASTIC.items() if name != "SPARK_MASTERS"}
    three = ("--masters", "3", "--zookeepers", "3", "--workers", "1", "--network", "loopback")
    box("up", "--detach", *three, env={**config, "SPARKSPACE_WORKERS_MAX": "3"})
    try:
        box("wait", "--workers", "1", "--timeout", "240")
        end = event_log(box, "end")
        with Job(box, "", BURST, 24, 10, end) as job:
            application = job.line("ready")[1]
            until(lambda: workers(box) == 3, 180)
            first = leading(box)
            assert changes(box) == [(first, 1, 3)]
            jvm(box, first, MASTER).kill()
            job.line("summed")
            until(lambda: leading(box) not in ("", first), 120)
            second = leading(box)
            end.touch()
            assert job.process.wait(60) == 0, job.errors[-5000:]
        until(lambda: workers(box) == 1, 300)
        assert tasks(event_log(box, application)) == (24 + 3, 0)
        ups, *downs = changes(box)
        assert ups == (first, 1, 3)
        assert {dyno for dyno, _, _ in downs} == {second}
        assert downs[-1][2] == 1
    finally:
        box("down")
