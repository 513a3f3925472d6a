"""A job whose workers are cycled under it, and what its event log says that cost. Also for bench/cycling.py."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .conftest import Box, clean_environment, copy_of_repository, until

# ``plain`` is a worker as it was without a parent: SIGTERM ends JVM and executors at once.
PROCFILE = """\
master: bin/spark-master
worker: bin/spark-worker
plain: sed -i 's/launching.worker(command) if .* else command/command/' sparkspace/commands/daemon.py; bin/spark-worker
"""

# Four shuffles of SLICES map tasks each, a cached RDD, and Python in every task. What is expected is known by
# arithmetic. It says "ready" when the first two shuffles are there, and goes on, until there is a file if one is named.
# It pauses without time.sleep, which fails where libfaketime has the clock (tests/faults/test_clock.py).
JOB = """\
import os, sys, threading
from operator import add
from pyspark.sql import SparkSession

PAUSE, ROUNDS, SLICES, N = float(sys.argv[1]), int(sys.argv[2]), 8, 40_000
END = (sys.argv[3:] or [os.devnull])[0]
spark = SparkSession.builder.appName("cycled").getOrCreate()
sc = spark.sparkContext
computed = sc.accumulator(0)

def pause(rows):
    threading.Event().wait(PAUSE)
    yield from rows

def count(row):
    computed.add(1)
    return row

numbers = sc.parallelize(range(N), SLICES).map(lambda n: (n % 1000, n))
sums = numbers.reduceByKey(add, SLICES)
cached = sums.map(count).cache()
counts = numbers.map(lambda pair: (pair[0], 1)).reduceByKey(add, SLICES)
assert cached.count() == counts.count() == 1000
print("ready", sc.applicationId, flush=True)
turn = 0
while turn < ROUNDS or not os.path.exists(END):
    tens = sums.mapPartitions(pause).map(lambda pair: (pair[0] % 10, pair[1])).reduceByKey(add, SLICES)
    assert sorted(tens.collect()) == [(k, sum(range(k, N, 10))) for k in range(10)]
    print("round", turn, flush=True)
    turn += 1
means = sums.join(counts, SLICES).mapPartitions(pause).mapValues(lambda pair: pair[0] / pair[1])
assert sorted(means.collect()) == [(k, sum(range(k, N, 1000)) / 40) for k in range(1000)]
assert cached.count() == 1000
print("computed", computed.value, "rounds", turn, flush=True)
spark.stop()
print("done", flush=True)
"""
SLICES = 8
ELEMENTS = 1000  # of the cached RDD
WITHIN_S = 400
PLAIN_LOG = "--conf spark.eventLog.compress=false --conf spark.eventLog.rolling.enabled=false"


@dataclass(frozen=True)
class Told:
    """What an event log says of a job."""

    map_tasks: int  # those of shuffles that succeeded
    fetch_failures: int
    failed: int  # task attempts with any other failure than the death of their executor
    lost: int  # task attempts that died with their executor
    failed_jobs: int = 0


@dataclass
class Run:
    """A job that has been run to its end."""

    told: Told
    seconds: float
    recomputed: int  # map tasks that had succeeded before
    recomputed_elements: int  # of the cached RDD


def open_box(folder: Path, procfile: str = PROCFILE, *flags: str, **config: str) -> Box:
    """A box of a copy of the repository, with a master."""
    box = copy_of_repository(folder)
    (folder / "Procfile").write_text(procfile)
    box("up", "--detach", "--masters", "1", "--workers", "0", *flags, env={"SPARK_MASTERS": "1", **config})
    return box


def scale(box: Box, **workers: int) -> None:
    """Have so many of each kind of worker, and wait until they are registered and the others are gone."""
    kinds = {"worker": 0, "plain": 0, **workers}
    box("scale", *(f"{kind}={count}" for kind, count in kinds.items()))
    wanted = sum(kinds.values())
    until(lambda: len([name for name in box.dynos() if name.startswith(tuple(kinds))]) == wanted, 60)
    until(lambda: alive(box) == sorted(map(box.address, ours(box))), 180, 1)


def ours(box: Box) -> list[str]:
    """The names of the workers' dynos."""
    return [name for name in box.dynos() if name.startswith(("worker.", "plain."))]


def alive(box: Box) -> list[str]:
    """Addresses of the workers that are ALIVE."""
    found: list[dict[str, Any]] = json.loads(box.out("status", "--json"))["workers"]
    return sorted(worker["host"] for worker in found if worker["state"] == "ALIVE")


def event_log(box: Box, application: str) -> Path:
    """The event log of an application."""
    config = box.api("GET", "config-vars").json()
    return Path(urlsplit(config["SPARKSPACE_EVENT_LOG_DIR"]).path) / application


def has_executor(box: Box, address: str) -> bool:
    """Whether every running application has got an executor there, which its driver knows."""
    added = f'"SparkListenerExecutorAdded".*"Host":"{re.escape(address)}"'
    running: list[dict[str, Any]] = json.loads(box.out("status", "--json"))["applications"]
    return all(re.search(added, event_log(box, f"{each['id']}.inprogress").read_text()) for each in running)


def fallback(box: Box) -> str:
    """Flags of ``spark-submit``: the folder that all dynos share stands for the bucket."""
    folder = event_log(box, "fallback")
    return f"--conf spark.storage.decommission.fallbackStorage.path=file://{folder}/"


class Job:
    """``bin/spark-submit`` of ``source`` in a one-off dyno, from outside."""

    def __init__(self, box: Box, flags: str, source: str, *arguments: object) -> None:
        words = " ".join(map(str, arguments))
        # On loopback, dynos of all boxes have one /tmp.
        command = f"job=$(mktemp --suffix=.py); cat > $job; bin/spark-submit {PLAIN_LOG} {flags} $job {words}"
        self._errors = tempfile.TemporaryFile("w+")  # a pipe would be full before anybody reads it
        self.process = subprocess.Popen(
            [box.launcher, "run", command], cwd=box.folder, env=clean_environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        assert self.process.stdin
        self.process.stdin.write(source)
        self.process.stdin.close()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdout
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self._errors.close()

    @property
    def errors(self) -> str:
        """What it has said on stderr."""
        self._errors.seek(0)
        return self._errors.read()

    def line(self, first: str) -> list[str]:
        """Wait for the line of its stdout that begins with this word; its words."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.split()[:1] == [first]:
                return line.split()
        raise AssertionError(f"it ended without {first!r}:\n{self.errors[-5000:]}")


def run(box: Box, act: Callable[[], object], flags: str = "", pause_s: float = 2, rounds: int = 2) -> Run:
    """Run ``JOB``, and ``act`` in the middle of the stage that follows "ready". Its answers are checked in it."""
    with Job(box, flags, JOB, pause_s, rounds) as job:
        return result(box, job, act, pause_s)


def run_throughout(box: Box, act: Callable[[], object], flags: str = "", pause_s: float = 1) -> Run:
    """As ``run``, but with so many rounds as it takes: the job lasts for longer than ``act``."""
    end = event_log(box, f"end-{secrets.token_hex(4)}")  # in a folder that all dynos share

    def act_and_end() -> None:
        act()
        end.touch()

    with Job(box, flags, JOB, pause_s, 2, end) as job:
        return result(box, job, act_and_end, pause_s)


def result(box: Box, job: Job, act: Callable[[], object], pause_s: float) -> Run:
    """What became of ``JOB`` when there was ``act`` in the middle of it."""
    application = job.line("ready")[1]
    since = time.monotonic()
    time.sleep(pause_s / 2)  # tasks of the stage are running, on all workers
    act()
    _, computed, _, rounds = job.line("computed")
    job.line("done")
    seconds = time.monotonic() - since
    told = read(event_log(box, application))
    return Run(told, seconds, told.map_tasks - map_tasks(int(rounds)), int(computed) - ELEMENTS)


def map_tasks(rounds: int) -> int:
    """How many tasks write the shuffles of ``JOB``: two before "ready", one a round."""
    return (2 + rounds) * SLICES


def read(log: Path) -> Told:
    """Count what an event log has."""
    ends: Counter[str] = Counter()
    map_tasks = failed_jobs = 0
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd":
            ends[event["Task End Reason"]["Reason"]] += 1
            map_tasks += event["Task Type"] == "ShuffleMapTask" and event["Task End Reason"]["Reason"] == "Success"
        failed_jobs += event["Event"] == "SparkListenerJobEnd" and event["Job Result"]["Result"] != "JobSucceeded"
    lost, fetch = ends.pop("ExecutorLostFailure", 0), ends.pop("FetchFailed", 0)
    ends.pop("Success", None)
    return Told(map_tasks, fetch, sum(ends.values()), lost, failed_jobs)
