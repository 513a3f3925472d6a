"""The table of faults: what was done to which formation, what was expected, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..box.cycled import Run

HEAD = (
    "formation",
    "fault",
    "expected",
    "right answer",
    "failed jobs",
    "again",
    "fetch failures",
    "s to a master",
    "seen",
)


@dataclass
class Row:
    """One fault. What is None was not looked at; until a test says otherwise, nothing came out right."""

    formation: str
    fault: str
    expected: str
    right: bool | None = False
    failed_jobs: int | None = None
    recomputed: int | None = None  # map tasks that had succeeded before
    fetch_failures: int | None = None
    master_s: float | None = None  # from the fault until a master leads, and has heard of everybody
    seen: list[str] = field(default_factory=list)

    def ran(self, run: Run) -> None:
        """Take what is known of a job that has been run to its end, with right answers."""
        self.right, self.failed_jobs = True, run.told.failed_jobs
        self.recomputed, self.fetch_failures = run.recomputed, run.told.fetch_failures
        if run.told.lost or run.told.failed:
            self.seen.append(f"{run.told.lost} attempts lost with their executor, {run.told.failed} failed otherwise")

    def cells(self) -> tuple[str, ...]:
        """As text, in the order of ``HEAD``."""
        right = {True: "yes", False: "**no**", None: ""}[self.right]
        counts = (self.failed_jobs, self.recomputed, self.fetch_failures)
        master = "" if self.master_s is None else f"{self.master_s:.1f}"
        numbers = ("" if count is None else str(count) for count in counts)
        return (self.formation, self.fault, self.expected, right, *numbers, master, "; ".join(self.seen))


class Table:
    """The rows of a run, in the order in which the tests began."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def row(self, formation: str, fault: str, expected: str) -> Row:
        """A new row, which is in the table whatever becomes of its test."""
        self.rows.append(Row(formation, fault, expected))
        return self.rows[-1]

    def markdown(self) -> str:
        """The whole."""
        return "\n".join([line(HEAD), line(["---"] * len(HEAD)), *(line(row.cells()) for row in self.rows)]) + "\n"


def line(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
