"""From an edit to the cluster's answer: sparkspace's hot deploy beside other ways to get edited code to executors.

A box with a master and two workers; one driver (bench/edits.py) takes all ways in turn, so that other load on the
machine falls on all. ``warm`` is the same job without an edit. Seconds, median and 95th percentile, and how often the
answer was right. Usage: .venv/bin/python3 bench/iterate.py [--edits N] [--slow N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.box.conftest import copy_of_repository  # noqa: E402

TARGETS = {"median": 0.15, "p95": 0.5}  # seconds over warm
MARK = "sparkspace-edits "


def main() -> int:
    """Run it, and print the table. Exit code 1 when a target is missed, or an answer of ours was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--slow", type=int, default=3, help="edits of the ways that take many seconds")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "iterate.json")
    options = parser.parse_args()
    result = summary(measured(options.edits, options.slow))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    ours, warm = result["ways"]["ours"], result["ways"]["warm"]
    late = [name for name, most in TARGETS.items() if ours[name] > warm[name] + most]
    return int(bool(late) or ours["right"] < ours["edits"])


def measured(edits: int, slow: int) -> dict[str, list[tuple[float, bool]]]:
    """Way → (seconds, whether the answer was right) of each edit."""
    with tempfile.TemporaryDirectory() as folder:
        box = copy_of_repository(Path(folder) / "app")
        box("up", "--detach", "--workers", "2")
        try:
            box("wait", "--workers", "2")
            out = box.out("run", f"bin/spark-submit bench/edits.py {edits} {slow}", timeout=3600)
        finally:
            box("down")
    line = next(line for line in out.splitlines() if line.startswith(MARK))
    return dict(json.loads(line.removeprefix(MARK)))


def summary(found: dict[str, list[tuple[float, bool]]]) -> dict[str, Any]:
    """What is kept of it."""
    ways = {}
    for way, runs in found.items():
        seconds = sorted(spent for spent, _ in runs)
        ways[way] = {
            "edits": len(runs),
            "right": sum(right for _, right in runs),
            "median": round(statistics.median(seconds), 3),
            "p95": round(seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))], 3),
        }
    return {"spark": version("pyspark"), "python": platform.python_version(), "targets": TARGETS, "ways": ways}


def table(result: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'way':<12} {'edits':>5} {'right':>5} {'median':>8} {'p95':>8}  over warm"]
    warm = result["ways"]["warm"]["median"]
    for way, row in result["ways"].items():
        lines.append(
            f"{way:<12} {row['edits']:>5} {row['right']:>5} {row['median']:>7.3f}s {row['p95']:>7.3f}s"
            f"  {row['median'] - warm:+.3f}s"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
