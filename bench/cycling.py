"""What a restart of a worker costs a running job: with the drain, by plain SIGTERM, and without any restart.

A box with a master and three workers runs the job of tests/box/cycled.py: shuffles, a cached RDD and Python in every
task, its answers checked. In the middle of a stage one worker is restarted. ``drain`` is bin/spark-worker, ``plain``
the same without its parent, so that SIGTERM reaches the JVMs; ``none`` restarts nothing. All in one box, in turn, so
that other load on the machine falls on all. Seconds are from the restart to the job's end. Usage:
.venv/bin/python3 bench/cycling.py [--runs N] [--workers N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.box import cycled  # noqa: E402
from tests.box.conftest import Box  # noqa: E402

SIDES = {"none": "worker", "drain": "worker", "plain": "plain"}
COUNTS = ("recomputed", "recomputed_elements", "fetch_failures", "failed", "lost")
TARGET = 1.15  # drain ÷ none

Measured = dict[str, list[dict[str, float]]]


def main() -> int:
    """Run the three in turn, and print the table. Exit code 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of each side")
    parser.add_argument("--rounds", type=int, default=20, help="how often the job goes over its first shuffle")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "cycling.json")
    options = parser.parse_args()
    measured: Measured = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        box = cycled.open_box(Path(folder) / "repository")
        try:
            for run in range(options.runs):
                for side in sorted(SIDES, reverse=bool(run % 2)):
                    measured[side].append(one(box, side, options.workers, options.rounds))
                    print(f"run {run + 1}  {side:<6} {measured[side][-1]}", file=sys.stderr, flush=True)
        finally:
            box("down")
    result = summary(measured, options.workers)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    return int(result["ratio"]["drain"] > TARGET)


def one(box: Box, side: str, workers: int, rounds: int) -> dict[str, float]:
    """Run the job once."""
    kind = SIDES[side]
    cycled.scale(box, **{kind: workers})
    done = cycled.run(box, lambda: side == "none" or box("restart", f"{kind}.1"), rounds=rounds)
    found = {**asdict(done.told), **asdict(done)}
    return {"seconds": done.seconds, **{count: found[count] for count in COUNTS}}


def summary(measured: Measured, workers: int) -> dict[str, Any]:
    """Medians and ratios, with what they were measured on."""
    medians = {
        side: {key: statistics.median(run[key] for run in runs) for key in ("seconds", *COUNTS)}
        for side, runs in measured.items()
    }
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "spark": version("pyspark"),
        "workers": workers,
        "runs": measured,
        "medians": medians,
        "ratio": {side: medians[side]["seconds"] / medians["none"]["seconds"] for side in SIDES},
    }


def table(result: dict[str, Any]) -> str:
    """Markdown."""
    heads = ["restart", "seconds", "÷ none", "map tasks again", "cached again", "fetch failures", "failed", "lost"]
    rows = [f"| {' | '.join(heads)} |", "|---" + "|--:" * (len(heads) - 1) + "|"]
    for side, medians in result["medians"].items():
        times = [run["seconds"] for run in result["runs"][side]]
        seconds = f"{medians['seconds']:.1f} ({min(times):.1f} to {max(times):.1f})"
        counts = [f"{medians[count]:g}" for count in COUNTS]
        rows.append(f"| {' | '.join([side, seconds, format(result['ratio'][side], '.2f'), *counts])} |")
    runs = len(result["runs"]["none"])
    where = f"{result['workers']} workers, Spark {result['spark']}, {result['machine']}"
    return "\n".join(
        [*rows, "", f"Median of {runs} runs (and extremes); {where}. Target: drain at most {TARGET} of none."]
    )


if __name__ == "__main__":
    sys.exit(main())
