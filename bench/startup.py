"""How long a box takes to a first answer, beside the same cluster started by Spark's own scripts.

Ours: ``bin/sparkspace up`` on loopback with a master and two workers of Private-M, until both are registered, then
``bin/spark-submit`` of a small Python job in a one-off dyno, until it prints its answer. Stock: the same master and
workers with the same cores and memory one after the other by ``sbin/spark-daemon.sh``, which is what Spark's
``start-master.sh`` and ``start-worker.sh`` run, then Spark's own ``bin/spark-submit`` of the same job with the same
executors; no authentication or encryption, as Spark comes. ``spark-class`` is stock without those scripts, which wait
for two seconds after each daemon: the workers begin together as soon as the master is ALIVE. The three alternate in one
run, and take turns in going first, so that other load on the machine falls on all.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sides import ROOT, ours, stock, turns
from sides.command import Command, Size
from sides.result import Row, measured

JOB = """\
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("startup").getOrCreate()
print("answer", spark.sparkContext.parallelize(range(1000), 4).map(lambda n: n * n).sum(), flush=True)
spark.stop()
"""
ANSWER = "answer 332833500"
WORKERS = 2
ROWS = {
    "registered": Row(
        f"from nothing to {WORKERS} registered workers", "s",
        "The processor: three JVMs start at once, and the workers have to wait for the master.",
    ),
    "answer": Row(
        "from nothing to a first job's answer", "s",
        "The processor: after the daemons, a driver and two executors start, which load most of Spark's classes.",
        "≤ 0.50",
    ),
}  # fmt: skip


def main() -> int:
    """Run all sides in turn. Exit code 1 when an aim is missed."""
    stock.home()  # not while the clock runs
    command = Command(__doc__, runs=Size(5, "of each side, after one of each that does not count", quick=1))
    bare = functools.partial(stock_start, scripted=False)
    sides = {"ours": our_start, "stock": stock_start, **({} if command.quick else {"spark-class": bare})}
    runs = turns.alternate(sides, command.sizes["runs"], warm_up=not command.quick)
    return command.finish(measured(ROWS, runs))


def our_start() -> turns.Values:
    """A box of this repository."""
    since = time.monotonic()
    with ours.opened(WORKERS, "--network", "loopback"):
        stock.wait(lambda state: len(stock.alive(state)) == WORKERS, ours.master_page())
        registered = time.monotonic() - since
        sparkspace = str(ROOT / "bin" / "sparkspace")
        answer = answered([sparkspace, "run", "cat > /tmp/job.py; bin/spark-submit /tmp/job.py"]) - since
    return {"registered": registered, "answer": answer}


def stock_start(*, scripted: bool = True) -> turns.Values:
    """Spark's own scripts, on loopback addresses."""
    with tempfile.TemporaryDirectory() as scratch, stock.daemons(scratch, scripted=scripted) as daemon:
        job = Path(scratch, "job.py")
        job.write_text(JOB)
        since = time.monotonic()
        stock.master(daemon)
        if not scripted:
            stock.wait(lambda state: state["status"] == "ALIVE")  # or a worker may be put off by 5 to 15 s
        for number in range(WORKERS):
            stock.worker(daemon, number + 1)
        stock.wait(lambda state: len(stock.alive(state)) == WORKERS)
        registered = time.monotonic() - since
        answer = answered([*stock.client("spark-submit"), str(job)], stock.environment(scratch)) - since
    return {"registered": registered, "answer": answer}


def answered(command: list[str], env: dict[str, str] | None = None) -> float:
    """Run the job by this command, which may read it from stdin. When its answer was there, by the monotonic clock.

    Raises:
        RuntimeError: it ended without the answer.
    """
    with tempfile.TemporaryFile("w+") as job:
        job.write(JOB)
        job.seek(0)
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=job, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
    assert process.stdout
    with process:
        for line in process.stdout:
            if ANSWER in line:
                return time.monotonic()
    raise RuntimeError(f"{command} ended without {ANSWER!r}")


if __name__ == "__main__":
    sys.exit(main())
