"""What a worker does when its dyno ends: nothing is lost that somebody can take, and the dyno is gone in time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from sparkspace.cycling.driver import FIRST_LOOK_AFTER_S, LOOK_EVERY_S
from sparkspace.cycling.worker import REPEAT_EVERY_S

from .conftest import Box, until
from .cycled import Job, Told, alive, event_log, fallback, map_tasks, open_box, run, run_throughout, scale
from .inside import EXECUTOR, MASTER, jvm, jvms

pytestmark = [pytest.mark.box, pytest.mark.spark]

# Its tasks never end, and say something secret. Where it is told to, it has Spark end an executor.
ENDLESS = """\
import os, sys, threading, time
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("endless").getOrCreate().sparkContext

def forever(n):
    print("a line of task", n, os.environ["_SPARK_AUTH_SECRET"], file=sys.stderr, flush=True)
    time.sleep(10_000)

threading.Thread(target=sc.parallelize(range(4), 4).foreach, args=[forever], daemon=True).start()
tracker = sc.statusTracker()
while sum(tracker.getStageInfo(stage).numActiveTasks for stage in tracker.getActiveStageIds()) < 4:
    time.sleep(0.2)
print("ready", sc.applicationId, flush=True)
while not os.path.exists("/tmp/end-executor"):
    time.sleep(0.2)
sc._jsc.sc().killExecutor("0")
time.sleep(10_000)
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a master. Each test asks for the workers that it needs."""
    box = open_box(tmp_path_factory.mktemp("drain") / "repository")
    yield box
    box("down")


def said(box: Box, dyno: str, since: str = "") -> list[str]:
    """What a dyno printed."""
    lines = [line.partition(f" app[{dyno}]: ") for line in box.log(after=since)]
    return [text for _, found, text in lines if found]


def test_cycled_worker_loses_nothing(box: Box) -> None:
    scale(box, worker=2)
    done = run(box, lambda: box("restart", "worker.1"))
    assert done.told == Told(map_tasks(2), fetch_failures=0, failed=0, lost=0)
    assert done.recomputed_elements == 0
    (drained,) = [line for line in said(box, "worker.1") if "at=drained" in line]
    assert "executors_left=0" in drained
    assert any("heroku[worker.1]: Process exited with status 0" in line for line in box.log())


def test_worker_and_master_cycled_at_once_lose_nothing(box: Box) -> None:
    """No master leads when the worker asks to be decommissioned: it asks again."""
    scale(box, worker=2)
    since = box.last()

    def cycle_both() -> None:
        gone = box.address("worker.1")
        jvm(box, "master.1", MASTER).kill()
        box("restart", "worker.1")
        until(lambda: gone not in alive(box) and len(alive(box)) == 2, 180, 1)

    told = run_throughout(box, cycle_both).told
    assert (told.failed_jobs, told.failed, told.lost) == (0, 0, 0)
    assert any("at=drained" in line and "executors_left=0" in line for line in said(box, "worker.1", since))


# It takes longer than a dyno has to end, but none of its tasks does, and none may fail.
ONCE = """\
import time
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("once").config("spark.task.maxFailures", "1").getOrCreate().sparkContext
print("sum", sc.parallelize(range(100), 25).map(lambda n: time.sleep(0.4) or n).sum(), flush=True)
"""


def test_executor_that_was_about_to_start_leaves_too(box: Box) -> None:
    """The master has told its driver of it before the driver knew any such: its JVM is held meanwhile."""
    scale(box, worker=2)
    until(lambda: not jvms(box, main=EXECUTOR))  # those of the job before may still be ending
    since = box.last()
    with Job(box, "--conf spark.cores.max=1", ONCE) as job:
        until(lambda: jvms(box, main=EXECUTOR), 60, 0.05)
        (executor,) = jvms(box, main=EXECUTOR)
        executor.suspend()
        first = executor.environ()["DYNO"]
        box("restart", first)
        until(lambda: any("at=draining" in line for line in said(box, first, since)))
        time.sleep(REPEAT_EVERY_S)
        executor.resume()
        assert job.line("sum") == ["sum", "4950"]
        assert job.process.wait(60) == 0
    told = "\n".join(said(box, first, since))
    assert re.search(r"at=drained seconds=\S+ executors_left=0", told), told
    assert "at=executors-told executors=1 " in told


@pytest.mark.long
def test_every_worker_cycled_in_turn(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """The job itself checks its answers. Heroku waits for no executor: the second may find nobody to hand on to."""
    scale(box, worker=2)

    def one_by_one() -> None:
        for name in ("worker.1", "worker.2"):
            gone = box.address(name)
            box("restart", name)
            until(lambda gone=gone: gone not in alive(box) and len(alive(box)) == 2, 180, 1)  # type: ignore[misc]

    done = run(box, one_by_one, rounds=12)
    with capsys.disabled():
        print(f"\nin turn: {done.recomputed} map tasks again; {done.told}")
    assert done.told.lost == 0


@pytest.mark.long
def test_all_workers_cycled_at_once_leave_their_blocks_in_the_bucket(box: Box) -> None:
    scale(box, worker=2)
    done = run(box, lambda: box("restart", "worker"), fallback(box))
    assert (done.told.fetch_failures, done.told.failed, done.recomputed) == (0, 0, 0)


@pytest.mark.long
def test_plain_sigterm_loses_what_the_worker_had(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """Without this, the tests above would show nothing."""
    scale(box, plain=2)
    done = run(box, lambda: box("restart", "plain.1"))
    with capsys.disabled():
        print(f"\nplain SIGTERM: {done.recomputed} map tasks and {done.recomputed_elements} cached elements again")
    assert done.recomputed > 0


class Endless:
    """A job that never ends, on two workers."""

    def __init__(self, box: Box, job: Job, application: str) -> None:
        self.box = box
        self.job = job
        self.ready_at = time.monotonic()
        self.application = application
        (self.driver,) = (name for name in box.dynos() if name.startswith("run."))

    def pids(self, dyno: str, pattern: str) -> set[str]:
        """The processes in a dyno whose command line has this."""
        return set(self.box("run:inside", dyno, f"pgrep -f '[{pattern[0]}]{pattern[1:]}'", code=None).stdout.split())

    def worker_of(self, executor: str) -> str:
        """The worker that runs an executor."""
        word = f"Asked to launch executor {self.application}/{executor} "
        return next(name for name in ("worker.1", "worker.2") if word in "\n".join(said(self.box, name)))


@pytest.fixture(scope="module")
def endless(box: Box) -> Iterator[Endless]:
    """The job, with all its tasks running for long enough that its dyno knows of them."""
    scale(box, worker=2)
    with Job(box, "", ENDLESS) as job:
        yield Endless(box, job, job.line("ready")[1])


def test_executor_that_spark_ends_is_gone_before_sparks_patience(endless: Endless) -> None:
    """Spark sends it SIGTERM, and SIGKILL after 10 s. Our own limit is below 5 s; the rest is for a busy machine."""
    worker = endless.worker_of("0")
    daemons = endless.pids(worker, "sparkspace_daemon")
    assert daemons
    endless.box("run:inside", endless.driver, "touch /tmp/end-executor")
    end = f"Executor {endless.application}/0 finished with state KILLED"
    until(lambda: any(end in line for line in endless.box.log()), 60)
    told = [line for line in endless.box.log() if f"[{worker}]" in line]
    asked = next(line for line in told if f"Asked to kill executor {endless.application}/0" in line)
    finished = next(line for line in told if end in line)
    assert seconds_between(asked, finished) < 9
    until(lambda: not daemons & endless.pids(worker, "sparkspace_daemon"), 10)


@pytest.mark.long
def test_dyno_is_gone_in_time_whatever_its_tasks_do(endless: Endless) -> None:
    box = endless.box
    box("run:inside", endless.driver, "touch /tmp/end-executor")
    worker = endless.worker_of("1")
    since = box.last()
    box("run:inside", worker, "trap '' TERM; for n in 1 2 3; do kill -TERM -1; sleep 2; done", code=None)
    until(lambda: any(f"heroku[{worker}]: Process exited" in line for line in box.log(after=since)), 60)
    after = box.log(after=since)
    draining = next(line for line in after if f"app[{worker}]: sparkspace at=draining" in line)
    exited = next(line for line in after if f"heroku[{worker}]: Process exited" in line)
    assert 24 <= seconds_between(draining, exited) <= 29, "\n".join(after)
    assert any("at=cut-off" in line and "executors_left=1" in line for line in said(box, worker, since))
    told = [line for line in said(box, worker, since) if "a line of task" in line]
    assert told
    assert all(re.fullmatch(rf"executor={endless.application}/\d+ a line of task \d \*+\(redacted\)", t) for t in told)


def test_driver_says_what_is_running_and_lets_go(endless: Endless) -> None:
    box = endless.box
    until(lambda: time.monotonic() - endless.ready_at > FIRST_LOOK_AFTER_S + 2 * LOOK_EVERY_S)
    box("stop", endless.driver)
    assert endless.job.process.wait(60) == 143
    told = [line for line in endless.job.errors.splitlines() if line.startswith("sparkspace at=")]
    running = f'sparkspace at=running application={endless.application} stage=0 name="foreach at '
    assert told[-3] == "sparkspace at=stopping signal=SIGTERM stages=1"
    assert told[-2].startswith(running)
    assert re.search(r" tasks=0/4 now=\d$", told[-2])
    assert told[-1] == "sparkspace at=stopped processes_left=0"
    events = map(json.loads, event_log(box, endless.application).read_text().splitlines())  # closed: not .inprogress
    assert "SparkListenerApplicationEnd" in {event["Event"] for event in events}
    until(lambda: not any(endless.pids(name, "CoarseGrainedExecutor") for name in ("worker.1", "worker.2")), 60)


def seconds_between(earlier: str, later: str) -> float:
    """Two lines of the log."""
    first, last = (datetime.fromisoformat(line.partition(" ")[0]) for line in (earlier, later))
    return (last - first).total_seconds()
