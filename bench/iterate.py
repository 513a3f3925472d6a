"""From an edit to the cluster's answer: sparkspace's hot deploy beside other ways to get edited code to executors.

A box with a master and two workers; one driver (``sides/edits.py``) takes all ways in turn, so that other load on the
machine falls on all. ``warm`` is the same job without an edit.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sides.command import Command, Size
from sides.result import Row

from tests.box.conftest import copy_of_repository

MARK = "sparkspace-edits "
ANSWER = Row(
    "from an edit to the job's answer", "s",
    "A warm job's own time, and then the import of what was edited, on the driver and in each Python process.",
)  # fmt: skip
RIGHT = Row(
    "right answers", "%",
    "Python processes that have a module already don't import it again: that is what hot deploy changes.",
)  # fmt: skip
BEYOND = Row(
    "hot deploy beyond a warm job, the medians", "s",
    "Imports: of the edited module and of what imports it, once on the driver and once in each Python process.",
    "≤ 0.15",
)  # fmt: skip
SLOWEST = Row(
    "hot deploy beyond a warm job, 95th percentiles", "s",
    "The processor: an edit waits for the slowest of four Python processes.", "≤ 0.5",
)  # fmt: skip

Edits = list[tuple[float, bool]]  # seconds, and whether the answer was right


def main() -> int:
    """Run it. Exit code 1 when an aim is missed, or an answer of ours was wrong."""
    command = Command(
        __doc__,
        edits=Size(30, "of each way", quick=5),
        slow=Size(3, "edits of the ways that take many seconds", quick=0),
    )
    found = driven(*command.sizes.values())
    code = command.finish(rows(found))
    return code or int(not all(right for _, right in found["ours"]))


def driven(edits: int, slow: int) -> dict[str, Edits]:
    """Way → its edits; the second way is a warm job, without one."""
    with tempfile.TemporaryDirectory() as folder:
        box = copy_of_repository(Path(folder) / "app")
        try:
            box("up", "--detach", "--workers", "2")
            box("wait", "--workers", "2")
            out = box.out("run", f"bin/spark-submit bench/sides/edits.py {edits} {slow}", timeout=3600)
        finally:
            box("down")
    line = next(line for line in out.splitlines() if line.startswith(MARK))
    return {"ours": [], **json.loads(line.removeprefix(MARK))}


def rows(found: dict[str, Edits]) -> list[Row]:
    """What is kept of it."""
    seconds = {way: [spent for spent, _ in edits] for way, edits in found.items()}
    right = {way: [100 * sum(right for _, right in edits) / len(edits)] for way, edits in found.items()}
    beyond = statistics.median(seconds["ours"]) - statistics.median(seconds["warm"])
    slowest = p95(seconds["ours"]) - p95(seconds["warm"])
    return [ANSWER.of(seconds), RIGHT.of(right), BEYOND.of({"ours": [beyond]}), SLOWEST.of({"ours": [slowest]})]


def p95(values: Sequence[float]) -> float:
    """The slowest but for one of twenty."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]


if __name__ == "__main__":
    sys.exit(main())
