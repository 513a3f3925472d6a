"""From an edit of JVM code to the cluster's answer, in a spark-shell on two executors.

An edit is compiled by the shell's own compiler, then a job runs on every core, twice: the second time it is warm, and
what the first took beyond is hot deploy.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from tests.jvm.shell import Shell

JOB = "sc.parallelize(1 to 8, 4).map(demo.Work.of).collect().toSeq"


ROWS = {
    "compile": Row("the shell compiles the edit", "s", "Scala's compiler, which is warm after some edits."),
    "job": Row("a job with the edit", "s", "What the same job takes again, and what the edit adds to it."),
    "warm": Row("the same job again", "s", "Spark's own: four tasks are sent and their results come back."),
    "beyond": Row(
        "what the edit added to the job", "s",
        "A job of a task for each executor, which asks if the new classes are there before any work begins.", "≤ 0.3",
    ),
}  # fmt: skip


def main() -> int:
    """Run it. Exit code 1 when the aim is missed."""
    command = Command(__doc__, edits=Size(30, "of the same object", quick=3))
    with tempfile.TemporaryDirectory() as folder:
        runs = edits(command.sizes["edits"], Path(folder))
    return command.finish(measured(ROWS, {"ours": runs}))


def edits(number: int, folder: Path) -> list[turns.Values]:
    """Seconds of each step of each edit.

    Raises:
        AssertionError: a result was stale.
    """
    with Shell(folder) as shell:
        times = [edited(shell, folder, each) for each in range(number + 1)]
    return times[1:]  # the first starts the executors


def edited(shell: Shell, folder: Path, number: int) -> turns.Values:
    """Seconds of an edit's steps."""
    (folder / "Work.scala").write_text(f"package demo\nobject Work {{ def of(x: Int) = x * {number} }}\n")
    took = {}
    for step in ("compile", "job", "warm"):
        since = time.monotonic()
        said = shell.compile(folder) if step == "compile" else shell.run(JOB)
        took[step] = time.monotonic() - since
        wanted = "" if step == "compile" else f"({', '.join(str(x * number) for x in range(1, 9))})"
        assert wanted in said, f"edit {number}: {said}"
    return {**took, "beyond": took["job"] - took["warm"]}


if __name__ == "__main__":
    sys.exit(main())
