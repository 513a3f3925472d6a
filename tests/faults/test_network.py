"""A worker that is cut off: for two minutes, for ever, and in one direction; and names that lag."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ..box.conftest import Box, until
from ..box.cycled import PROCFILE, Job, alive, event_log, open_box, scale
from ..box.inside import EXECUTOR, WORKER, jvm, jvms, seen
from . import cables, formations
from .conftest import Shared, closing
from .formations import FOLDER
from .table import Row, Table

pytestmark = [
    pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="enters the namespaces of a box, as root"),
]  # fmt: skip
AWAY_S = 120
LAG_S = 10  # devcenter.heroku.com/articles/dyno-dns-service-discovery
# Each round writes a thousand rows, which others might write too, and counts them; in the end it counts all.
WRITER = """\
import os, shutil, sys, time
from pyspark.sql import SparkSession
FOLDER, END = sys.argv[1:]
spark = SparkSession.builder.appName("writer").getOrCreate()

def slowly(rows):
    time.sleep(0.5)
    yield from rows

print("ready", spark.sparkContext.applicationId, flush=True)
rounds = 0
while not os.path.exists(END):
    rows = spark.sparkContext.parallelize(range(1000), 8).mapPartitions(slowly).map(lambda n: (n,))
    spark.createDataFrame(rows, "n int").write.parquet(f"file://{FOLDER}/{rounds}")
    read = spark.read.parquet(f"file://{FOLDER}/{rounds}")
    assert (read.count(), read.distinct().count()) == (1000, 1000)
    rounds += 1
    print("round", rounds, flush=True)
read = spark.read.parquet(*[f"file://{FOLDER}/{number}" for number in range(rounds)])
print("rows", read.count(), rounds, flush=True)
spark.stop()
print("done", flush=True)
"""


@dataclass
class Writing:
    """A job that writes, on two workers."""

    box: Box
    job: Job
    worker: psutil.Process

    def state(self) -> set[str]:
        """Of the worker that is cut off, in the master's list; empty: it is not in it."""
        address = self.worker.environ()["HEROKU_PRIVATE_IP"]
        return {str(worker["state"]) for worker in seen(self.box)["workers"] if worker["host"] == address}

    def is_back(self) -> bool:
        """Whether the worker itself, not another of its name, is one of two that are ALIVE."""
        return self.worker.is_running() and "ALIVE" in self.state() and len(alive(self.box)) == 2

    def goes_on(self) -> None:
        """Two rounds from now on."""
        for _ in range(3):
            self.job.line("round")


@contextlib.contextmanager
def writing(box: Box, row: Row) -> Iterator[Writing]:
    """The job; when it is over, it has written each row once."""
    folder, end = event_log(box, f"rows-{time.time_ns()}"), event_log(box, f"end-{time.time_ns()}")
    with Job(box, "", WRITER, folder, end) as job:
        job.line("round")
        yield Writing(box, job, jvm(box, "worker.1", WORKER))
        end.touch()
        _, rows, rounds = job.line("rows")
        row.right = int(rows) == 1000 * int(rounds)
        job.line("done")
    row.seen.append(f"{rounds} rounds, {rows} rows")
    assert row.right


def test_cut_off_for_two_minutes(folder: Box, table: Table) -> None:
    row = table.row(
        FOLDER, f"a worker is cut off for {AWAY_S} s, and returns", "right answer, no double rows, it is back"
    )
    with writing(folder, row) as found:
        old = jvms(folder, "worker.1", EXECUTOR)
        with cables.pulled(found.worker):
            since = time.monotonic()
            until(lambda: found.state() == {"DEAD"}, 180, 1)
            row.seen.append(f"DEAD after {time.monotonic() - since:.0f} s")
            found.goes_on()
            time.sleep(max(0.0, since + AWAY_S - time.monotonic()))
        since = time.monotonic()
        until(found.is_back, 120, 1)
        row.seen.append(f"back after {time.monotonic() - since:.0f} s")
        until(lambda: not any(each.is_running() for each in old), 120, 1)
        row.seen.append(f"its old executor gone after {time.monotonic() - since:.0f} s")
        found.goes_on()


def test_half_open(folder: Box, table: Table) -> None:
    row = table.row(FOLDER, f"what a worker sends to the master is lost for {AWAY_S} s", "the same")
    with writing(folder, row) as found:
        with cables.half_open(found.worker, folder.address("master.1")):
            since = time.monotonic()
            until(lambda: found.state() == {"DEAD"}, 180, 1)
            row.seen.append(f"DEAD after {time.monotonic() - since:.0f} s")
            found.goes_on()
            time.sleep(max(0.0, since + AWAY_S - time.monotonic()))
        since = time.monotonic()
        until(found.is_back, 120, 1)
        row.seen.append(f"back after {time.monotonic() - since:.0f} s")
        found.goes_on()


def test_cut_off_for_ever(folder: Box, table: Table) -> None:
    row = table.row(FOLDER, "a worker is cut off for ever", "right answer, no double rows, it is gone")
    with writing(folder, row) as found, cables.pulled(found.worker):
        since = time.monotonic()
        until(lambda: found.state() == {"DEAD"}, 180, 1)
        row.seen.append(f"DEAD after {time.monotonic() - since:.0f} s")
        found.goes_on()
        folder("restart", "worker.1")
        until(lambda: len(alive(folder)) == 2, 120, 1)
        found.goes_on()


@pytest.fixture
def lagging(shared: Shared, tmp_path: Path) -> Iterator[Box]:
    """A box of its own, whose names point to who has gone for a while."""
    shared.close()
    flags = ("--network", "namespaces", "--dns-lag", str(LAG_S))
    with closing(open_box(tmp_path / "repository", PROCFILE, *flags)) as box:
        scale(box, worker=2)
        yield box


def test_names_that_lag(lagging: Box, table: Table) -> None:
    """Everybody is restarted; each name points to nobody for ten seconds, and is not there at all at first."""
    fault = f"{formations.CYCLED}, while names lag by {LAG_S} s and are stale"
    formations.cycled(lagging, table.row(FOLDER, fault, formations.NOTHING_LOST))
