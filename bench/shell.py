"""From an edit of JVM code to the cluster's answer, in a spark-shell on two executors.

An edit is compiled by the shell's own compiler, then a job runs on every core, twice: the second time it is warm, and
what the first took beyond is hot deploy. Seconds, median and 95th percentile.
Usage: .venv/bin/python3 bench/shell.py [--edits N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.jvm.shell import Shell  # noqa: E402

TARGET = 0.3  # seconds over a warm job, the median
JOB = "sc.parallelize(1 to 8, 4).map(demo.Work.of).collect().toSeq"


def main() -> int:
    """Run it, and print the table. Exit code 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "shell.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = summary(measured(options.edits, Path(folder)))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    return int(result["seconds"]["job - warm"]["median"] > TARGET)


def measured(edits: int, folder: Path) -> list[dict[str, float]]:
    """Seconds of each step of each edit.

    Raises:
        AssertionError: a result was stale.
    """
    with Shell(folder) as shell:
        times = [edited(shell, folder, number) for number in range(edits + 1)]
    return times[1:]  # the first starts the executors


def edited(shell: Shell, folder: Path, number: int) -> dict[str, float]:
    """Seconds of an edit's steps."""
    (folder / "Work.scala").write_text(f"package demo\nobject Work {{ def of(x: Int) = x * {number} }}\n")
    took = {}
    for step in ("compile", "job", "warm"):
        since = time.monotonic()
        said = shell.compile(folder) if step == "compile" else shell.run(JOB)
        took[step] = time.monotonic() - since
        wanted = "" if step == "compile" else f"({', '.join(str(x * number) for x in range(1, 9))})"
        assert wanted in said, f"edit {number}: {said}"
    return {**took, "job - warm": took["job"] - took["warm"]}


def summary(times: list[dict[str, float]]) -> dict[str, Any]:
    """What is kept of it."""
    seconds = {}
    for step in times[0]:
        each = sorted(took[step] for took in times)
        p95 = each[min(len(each) - 1, int(len(each) * 0.95))]
        seconds[step] = {"median": round(statistics.median(each), 3), "p95": round(p95, 3)}
    load = round(os.getloadavg()[0], 1)
    where = {"spark": version("pyspark"), "python": platform.python_version(), "load": load}
    return {**where, "target": TARGET, "edits": len(times), "seconds": seconds}


def table(result: dict[str, Any]) -> str:
    """For people."""
    rows = [f"{step:<12} {row['median']:>7.3f}s {row['p95']:>7.3f}s" for step, row in result["seconds"].items()]
    return "\n".join([f"{'step':<12} {'median':>8} {'p95':>8}", *rows])


if __name__ == "__main__":
    raise SystemExit(main())
