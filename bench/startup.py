"""How long a box takes to a first answer, beside the same cluster started by Spark's own scripts.

Ours: ``bin/sparkspace up`` with a master and two workers of Private-M, until both are registered, then
``bin/spark-submit`` of a small Python job in a one-off dyno. Stock: Spark's ``bin/spark-class`` for the same master and
workers, with the same cores and memory, then Spark's own ``bin/spark-submit`` of the same job with the same executors;
no authentication or encryption, as Spark comes. The two alternate in one run, and take turns in going first, so that
other load on the machine falls on both. Usage: .venv/bin/python3 bench/startup.py [--runs N] [--json FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from sides import ours, stock, turns

JOB = """\
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("startup").getOrCreate()
print("answer", spark.sparkContext.parallelize(range(1000), 4).map(lambda n: n * n).sum())
spark.stop()
"""
ANSWER = "answer 332833500"
WORKERS = 2
WORDS = {
    "registered": f"from nothing to {WORKERS} registered workers, s",
    "answer": "from nothing to a first job's answer, s",
}
AIMS = {"answer": 0.50}


def main() -> None:
    """Run both sides in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each side, after one of each that does not count")
    parser.add_argument("--json", type=Path, default=turns.RESULTS / "startup.json")
    options = parser.parse_args()
    measured = turns.alternate({"ours": our_start, "stock": stock_start}, options.runs)
    turns.keep(options.json, {"runs": measured, "ratio": turns.ratios(measured), "aims": AIMS})
    print(turns.table(measured, WORDS, AIMS))


def our_start() -> turns.Values:
    """A box of this repository."""
    since = time.monotonic()
    with ours.box(WORKERS):
        registered = time.monotonic() - since
        said = ours.sparkspace("run", "cat > /tmp/job.py; bin/spark-submit /tmp/job.py", stdin=JOB)
        answer = time.monotonic() - since
    assert ANSWER in said, said
    return {"registered": registered, "answer": answer}


def stock_start() -> turns.Values:
    """Spark's own scripts, on loopback addresses."""
    with tempfile.TemporaryDirectory() as scratch, stock.daemons(scratch) as daemon:
        job = Path(scratch, "job.py")
        job.write_text(JOB)
        since = time.monotonic()
        stock.master(daemon)
        for number in range(WORKERS):
            stock.worker(daemon, number + 1)
        stock.wait(lambda state: len(stock.alive(state)) == WORKERS)
        registered = time.monotonic() - since
        done = subprocess.run(
            [*stock.client("spark-submit"), str(job)], env=stock.environment(scratch), check=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        answer = time.monotonic() - since
    assert ANSWER in done.stdout, done.stdout
    return {"registered": registered, "answer": answer}


if __name__ == "__main__":
    main()
