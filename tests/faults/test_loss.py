"""What is lost beside masters: a driver, a worker, an executor's heap, its process, and room on a disk."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from ..box.conftest import Box, until
from ..box.cycled import Job, alive, event_log, read, run_throughout
from ..box.inside import DRIVER, EXECUTOR, STREAM, WORKER, accepts, jvm, jvms, seen
from .formations import FOLDER, cycle_worker
from .table import Table

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(900)]
# One of 16 numbers makes its task want more than any heap has, once.
GREEDY = """\
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("greedy").getOrCreate()
MARK = sys.argv[1]

def sizes(numbers):
    for number in numbers:
        first = number == 5 and not os.path.exists(MARK)
        if first:
            open(MARK, "x").close()
        yield number, 1_900_000_000 if first else 10

print("ready", spark.sparkContext.applicationId, flush=True)
sizes = spark.createDataFrame(spark.sparkContext.parallelize(range(16), 8).mapPartitions(sizes), "n int, size int")
print("sum", sizes.selectExpr("sum(length(repeat('x', size)))").first()[0], flush=True)
spark.stop()
print("done", flush=True)
"""
# Shuffles so many MB, again and again.
WIDE = """\
import os, sys
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("wide").getOrCreate().sparkContext
MB, END = int(sys.argv[1]), sys.argv[2]
print("ready", sc.applicationId, flush=True)
while True:
    pairs = sc.parallelize(range(8 * MB), 8).map(lambda n: (n, os.urandom(1 << 17))).partitionBy(8)
    assert pairs.map(lambda pair: len(pair[1])).sum() == MB << 20
    print("round", flush=True)
    if os.path.exists(END):
        break
sc.stop()
print("done", flush=True)
"""


def test_killed_driver_gives_its_cores_back(folder: Box, table: Table) -> None:
    row = table.row(FOLDER, "kill -9 of a driver", "its executors end, its cores return")
    with Job(folder, "", STREAM, "/nowhere") as job:
        job.line("round")
        jvms(folder, main=DRIVER)[0].kill()
        since = time.monotonic()
        until(lambda: not jvms(folder, main=EXECUTOR), 60)
        until(lambda: not seen(folder)["applications"], 60)
        row.seen.append(f"all gone after {time.monotonic() - since:.0f} s")
    until(lambda: not any(worker["cores_used"] for worker in seen(folder)["workers"]), 30)
    accepts(folder, "")
    row.right = True


@pytest.mark.long
def test_killed_worker(folder: Box, table: Table) -> None:
    """With it goes its dyno, with its executors: what they had is computed again."""
    row = table.row(FOLDER, "kill -9 of a worker", "right answer, no failed job, the worker is back")

    def kill() -> None:
        before = alive(folder)
        jvm(folder, "worker.1", WORKER).kill()
        until(lambda: alive(folder) != before and len(alive(folder)) == 2, 240, 1)

    done = run_throughout(folder, kill)
    row.ran(done)
    assert done.told.failed_jobs == 0


@pytest.mark.long
def test_exhausted_heap(folder: Box, table: Table) -> None:
    row = table.row(FOLDER, "a task exhausts its executor's heap, once", "right answer, no failed job")
    with Job(folder, "--conf spark.executor.memory=512m", GREEDY, event_log(folder, "greedy")) as job:
        application = job.line("ready")[1]
        assert job.line("sum") == ["sum", "160"]
        job.line("done")
    log, told = event_log(folder, application), read(event_log(folder, application))
    row.right, row.failed_jobs = True, told.failed_jobs
    removed = re.findall(r'"SparkListenerExecutorRemoved".*?"Removed Reason":"([^"]*)"', log.read_text())
    row.seen += [f"{told.lost + told.failed} attempts failed", *(reason.partition(". ")[0] for reason in removed)]
    assert told.failed_jobs == 0
    assert "OutOfMemoryError" in log.read_text() and removed, log.read_text()[-5000:]


def scratch(executor: psutil.Process) -> list[Path]:
    """Where it keeps blocks, by a path of this machine."""
    root = Path(f"/proc/{executor.pid}/root")
    return [root / found.lstrip("/") for found in executor.environ()["SPARK_EXECUTOR_DIRS"].split(os.pathsep)]


def size(folders: list[Path]) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_killed_executor_leaves_no_files(folder: Box, table: Table) -> None:
    """Its application goes on: Spark would keep them until that ends."""
    row = table.row(FOLDER, "kill -9 of an executor with much on disk", "right answer; its files are removed")
    end = event_log(folder, "wide-end")
    with Job(folder, "", WIDE, 64, end) as job:
        job.line("round")
        victim = jvms(folder, "worker.1", EXECUTOR)[0]
        root, inside = jvm(folder, "worker.1", WORKER), scratch(victim)
        folders = [Path(f"/proc/{root.pid}/root", *path.parts[4:]) for path in inside]
        before = size(folders)
        victim.kill()
        until(lambda: not any(path.exists() for path in folders), 60)
        end.touch()
        job.line("done")
    row.right = True
    row.seen.append(f"{before >> 20} MB removed while the application went on")
    assert before > 8 << 20


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk in a dyno, as root")
def test_full_disk(folder: Box, table: Table) -> None:
    """One worker has room for 24 MB of a job that shuffles 96; then there is room again."""
    row = table.row(FOLDER, "full disk in a worker's scratch folder", "the job says so; the next has room")
    worker = jvm(folder, "worker.1", WORKER)
    enter = ["nsenter", "-t", str(worker.pid), "-m", "-r", "-w"]
    subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", "size=24m", "none", "/tmp/spark"], check=True)
    try:
        end = event_log(folder, "full-end")
        end.touch()
        with Job(folder, "", WIDE, 96, end) as job:
            job.process.wait(300)
            row.seen.append(f"a job of 96 MB: exit code {job.process.returncode}")
            assert "No space left on device" in job.errors
        until(lambda: not seen(folder)["applications"], 60)
        with Job(folder, "", WIDE, 16, end) as job:
            job.line("done")
        row.right = True
        row.seen.append("the next one, of 16 MB, ran")
        assert worker.is_running()
    finally:
        cycle_worker(folder, "worker.1")  # the disk goes with the dyno
