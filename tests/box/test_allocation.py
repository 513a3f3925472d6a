"""Dynamic allocation on three workers: executors go when there is no work, and what they have written stays."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from .conftest import Box, copy_of_repository, until
from .cycled import PROCFILE, Job, event_log, read, scale
from .inside import EXECUTOR, WORKER, jvm, jvms

pytestmark = [pytest.mark.box, pytest.mark.spark]

VAR = "SPARKSPACE_DYNAMIC_ALLOCATION"
MAP_TASKS = 6
RPC_REQUEST, RPC_FAILURE = 3, 5  # Message.Type of Spark's network-common
# So that the first turn begins on three executors, however long they take to come.
ALL_AT_ONCE = " ".join(
    f"--conf spark.{key}"
    for key in (
        "dynamicAllocation.initialExecutors=3",
        "cores.max=6",  # what the ratio is of
        "scheduler.minRegisteredResourcesRatio=1",
        "scheduler.maxRegisteredResourcesWaitingTime=120s",
    )
)

# A shuffle, and what is made of it whenever there is a file of the turn's number. It tells of its executors, by their
# hosts, after each action, and when it has none left.
SOURCE = """\
import os, sys, time
from operator import add
from pyspark.sql import SparkSession

FOLDER, TURNS, PAUSE = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sc = SparkSession.builder.appName(os.path.basename(FOLDER)).getOrCreate().sparkContext

def executors():
    found = sc._jsc.sc().getExecutorMemoryStatus().keys().mkString(",").split(",")
    return sorted(found)[: len(found) - 1]  # the driver is among them

def pause(rows):
    time.sleep(PAUSE)
    return rows

sums = sc.parallelize(range(600), 6).map(lambda n: (n % 7, n)).reduceByKey(add, 6)
for turn in range(TURNS):
    while not os.path.exists(f"{FOLDER}/{turn}"):
        time.sleep(0.1)
    assert sorted(sums.mapPartitions(pause).collect()) == [(k, sum(range(k, 600, 7))) for k in range(7)]
    print("turn", turn, sc.applicationId, len(executors()), flush=True)
    while turn < TURNS - 1 and executors() and not os.path.exists(f"{FOLDER}/{turn + 1}"):
        time.sleep(0.1)
    print("idle", turn, len(executors()), flush=True)
"""


class App:
    """``SOURCE`` in a one-off dyno, told when to have its turns."""

    def __init__(self, box: Box, name: str, turns: int, pause_s: float = 1, flags: str = "") -> None:
        self._folder = event_log(box, name)  # one that all dynos share
        self._folder.mkdir()
        self._box = box
        self._told = 0
        self._application = ""
        self._job = Job(box, f"{ALL_AT_ONCE} {flags}", SOURCE, self._folder, turns, pause_s)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self._job.__exit__()

    def begin(self) -> None:
        """Let it have its next turn."""
        (self._folder / str(self._told)).touch()
        self._told += 1

    def ended(self) -> int:
        """Wait for the end of the turn; how many executors it then had."""
        _, _, self._application, count = self._job.line("turn")
        return int(count)

    def left(self) -> int:
        """Wait until it is idle, or has another turn; how many executors it then has."""
        return int(self._job.line("idle")[2])

    def map_tasks(self) -> int:
        """How many there were, in all turns. It has to have ended."""
        assert self._job.process.wait(120) == 0, self._job.errors[-5000:]
        return read(event_log(self._box, self._application)).map_tasks


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with three workers of two cores, which serve shuffle files."""
    box = copy_of_repository(tmp_path_factory.mktemp("allocation") / "repository")
    (box.folder / "Procfile").write_text(PROCFILE)
    elastic = {VAR: "true", f"{VAR}_IDLE_S": "3", "SPARK_WORKER_CORES": "2"}
    box("up", "--detach", "--workers", "0", "--network", "loopback", env=elastic)
    scale(box, worker=3)
    yield box
    box("down")


def test_idle_application_gives_its_executors_to_another_and_gets_them_back(box: Box) -> None:
    with App(box, "a", 2) as a:
        a.begin()
        assert a.ended() > 0
        assert a.left() == 0
        with App(box, "b", 2) as b:
            b.begin()
            assert b.ended() > 0
            a.begin()  # b has all cores, and nothing to do
            assert a.ended() > 0
            b.begin()
            assert (a.map_tasks(), b.map_tasks()) == (MAP_TASKS, MAP_TASKS)


def test_killed_executor_takes_no_shuffle_file_along(box: Box) -> None:
    with App(box, "killed", 2, flags="--conf spark.dynamicAllocation.minExecutors=3") as app:
        app.begin()
        app.ended()
        victim = jvms(box, main=EXECUTOR)[0]
        victim.kill()
        until(lambda: not victim.is_running())
        app.begin()
        app.ended()
        assert app.map_tasks() == MAP_TASKS


def test_strangers_are_served_no_shuffle_file(box: Box) -> None:
    """Before all else the service wants to hear who is there, and not which executor is meant (``AuthRpcHandler``)."""
    sockets = jvm(box, "worker.1", WORKER).net_connections("inet")
    everywhere = {each.laddr.port for each in sockets if each.status == "LISTEN" and each.laddr.ip in ("::", "0.0.0.0")}
    (port,) = everywhere  # it alone listens at every address
    kind, said = answer(
        port, b"".join([bytes(1), text("app-1"), text("0"), struct.pack(">i", 1), text("shuffle_0_0_0")])
    )
    assert kind == RPC_FAILURE
    assert "Unknown challenge message" in said


def text(words: str) -> bytes:
    """As Spark writes it (``Encoders.Strings``)."""
    return struct.pack(">i", len(words)) + words.encode()


def answer(port: int, body: bytes) -> tuple[int, str]:
    """The type and the words of the answer to an ``RpcRequest`` (``MessageEncoder``)."""
    frame = struct.pack(">bqi", RPC_REQUEST, 7, len(body)) + body
    with socket.create_connection(("127.0.0.1", port), 30) as peer, peer.makefile("rb") as reply:
        peer.sendall(struct.pack(">q", len(frame) + 8) + frame)
        length, kind = struct.unpack(">qb", reply.read(9))
        return kind, reply.read(length - 9).decode(errors="replace")


def test_workers_without_the_service_keep_executors_while_their_files_are_needed(box: Box) -> None:
    box("config:set", f"{VAR}=tracking", f"{VAR}_CACHED_IDLE_S=12")
    scale(box, worker=3)
    with App(box, "tracking", 2) as app:
        app.begin()
        assert app.ended() > 0
        assert app.left() == 0
        app.begin()
        assert app.ended() > 0
        app.map_tasks()  # it has ended well; how much could not be handed on, and was computed again, is chance
