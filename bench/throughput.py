"""Rows a second of a job that is nothing but work: questions like TPC-H's over generated tables, and a sum in Python.

The job is ``sides/queries.py``, about two minutes of it on two cores: it makes its tables, keeps them on the executors,
joins and groups them, and shuffles all that it joins. Two workers with an executor each, all cores of the machine, and
the same memory on every side; ours is a box on loopback addresses, as stock is. A cluster is opened for each run and
closed after it, so that nothing else is at work; the clock runs from when the executors are there, and the answers are
compared.

Ours is always authenticated and encrypted, on the network and on the disk. So is "stock, encrypted", by the same
settings: with that ours is compared, for nothing should be paid for a quick start. "Stock" is Spark as it comes, and
shows what encryption costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

from sides import ROOT, ours, queries, stock, turns
from sides.command import Command, Size
from sides.result import Row, measured

WORKERS = 2
QUERIES = "bench/sides/queries.py"
WORK = "The processor: hashing, sorting, and the code that Spark makes for each question."
PYTHON = "Python's workers: each row is pickled on its way in and out."
ROWS = {
    "rate": Row(
        "the whole job", "rows/s",
        "The processor. What ours has besides: the event log, metrics for Prometheus, and blocks that can be moved.",
        "≥ 0.98",
    ),
    **{key: Row(key if key == "tables" else f"question {key}", "s", WORK) for key in ("tables", *queries.QUESTIONS)},
    "Python": Row("reduceByKey in Python", "s", PYTHON),
}  # fmt: skip


def main() -> int:
    """Run the sides in turn. Exit code 1 when the aim is missed.

    Raises:
        AssertionError: two sides had different answers, or different means.
        RuntimeError: a side failed.
    """
    stock.home()  # not while the clock runs
    command = Command(
        __doc__,
        runs=Size(3, "of each side, after one of each that does not count", quick=1),
        rows=Size(24_000_000, "of the largest table", quick=200_000),
    )
    runs, rows = command.sizes.values()
    sides: dict[str, Callable[[int], str]] = {
        "ours": our_job,
        "stock, encrypted": partial(stock_job, stock.SECURITY),
        **({} if command.quick else {"stock": partial(stock_job, {})}),
    }
    seen: list[object] = []
    values = {side: partial(worked, job, rows, seen) for side, job in sides.items()}
    return command.finish(measured(ROWS, turns.alternate(values, runs, warm_up=not command.quick)))


def worked(job: Callable[[int], str], rows: int, seen: list[object]) -> turns.Values:
    """Run the job once, and compare it with all before."""
    line = next(line for line in job(rows).splitlines() if line.startswith(queries.MARK))
    found: dict[str, Any] = json.loads(line.removeprefix(queries.MARK))
    seen.append((found["answers"], found["place"]))
    assert seen[0] == seen[-1], f"two sides differ: {seen[0]}, {seen[-1]}"
    return {"rate": rows / sum(found["seconds"].values()), **found["seconds"]}


def our_job(rows: int) -> str:
    """What the job printed, in a box."""
    with ours.box(WORKERS, "--network", "loopback"):
        submit = f"bin/spark-submit --total-executor-cores {stock.CORES}"
        return ours.sparkspace("run", f"{submit} {QUERIES} {rows} {WORKERS}")


def stock_job(properties: dict[str, str], rows: int) -> str:
    """What the job printed, on a cluster with these properties."""
    with tempfile.TemporaryDirectory() as scratch:
        conf = stock.configured(scratch, properties)
        with stock.daemons(scratch, conf) as daemon:
            stock.master(daemon)
            for number in range(WORKERS):
                stock.worker(daemon, number + 1)
            stock.wait(lambda state: len(stock.alive(state)) == WORKERS)
            command = [*stock.client("spark-submit", stock.CORES), str(ROOT / QUERIES), str(rows), str(WORKERS)]
            env = {**stock.environment(scratch), **conf}
            done = subprocess.run(command, env=env, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{command}: {done.returncode}\n{done.stderr}")
            return done.stdout


if __name__ == "__main__":
    sys.exit(main())
