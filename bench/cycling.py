"""What a restart of a worker costs a running job: with the drain, by plain SIGTERM, and without any restart.

A box with a master and three workers runs the job of tests/box/cycled.py: shuffles, a cached RDD and Python in every
task, its answers checked. In the middle of a stage one worker is restarted: ours drains (``bin/spark-worker``), and the
same without its parent does not, so that SIGTERM reaches the JVMs. All in one box, in turn.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from tests.box import cycled
from tests.box.conftest import Box

KINDS = {"ours": "worker", "no restart": "worker", "plain SIGTERM": "plain"}
MOVED = "Blocks that were on the worker: with the drain they move while the last tasks run, and nothing is made again."
ROWS = {
    "seconds": Row(
        "from the restart to the job's end", "s",
        "For as long as the worker starts again, the job has two workers of three; moving blocks costs the rest.",
        "≤ 1.15",
    ),
    "recomputed": Row("map tasks run again", "tasks", MOVED),
    "recomputed_elements": Row("elements of the cached RDD computed again", "elements", MOVED),
    "fetch_failures": Row("fetches of shuffle files that failed", "fetches", MOVED),
    "failed": Row("task attempts that failed otherwise", "tasks", "Nothing: it is none, unless there is a bug."),
    "lost": Row("task attempts that died with their executor", "tasks", "Tasks longer than the drain waits."),
}  # fmt: skip


def main() -> int:
    """Run the three in turn. Exit code 1 when the aim is missed."""
    command = Command(
        __doc__,
        no_quick="a restart in the middle of a job takes minutes",
        runs=Size(3, "of each side"),
        rounds=Size(20, "how often the job goes over its first shuffle"),
        workers=Size(3, "Spark workers"),
    )
    runs, rounds, workers = command.sizes.values()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "repository"
        try:
            box = cycled.open_box(folder)
            sides = {side: partial(one, box, side, workers, rounds) for side in KINDS}
            found = turns.alternate(sides, runs, warm_up=False)
        finally:
            Box(folder)("down")
    return command.finish(measured(ROWS, found))


def one(box: Box, side: str, workers: int, rounds: int) -> turns.Values:
    """Run the job once."""
    kind = KINDS[side]
    cycled.scale(box, **{kind: workers})
    done = cycled.run(box, lambda: side == "no restart" or box("restart", f"{kind}.1"), rounds=rounds)
    found = {**asdict(done.told), **asdict(done)}
    return {"seconds": done.seconds, **{count: float(found[count]) for count in ROWS if count != "seconds"}}


if __name__ == "__main__":
    sys.exit(main())
