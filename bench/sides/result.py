"""The one form of what benchmarks find: rows, kept as JSON and shown as a Markdown table."""

from __future__ import annotations

import json
import math
import operator
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from . import ROOT
from .machine import Machine

RESULTS = ROOT / "bench" / "results"
SIGNS = {"≤": operator.le, "≥": operator.ge}
HEADS = ("measured", "side", "runs", "median", "least to most", "ours ÷ it", "aim")


@dataclass(frozen=True)
class Row:
    """One thing that was measured, of every side.

    Args:
        limit: a sentence: what keeps the number from being better.
        aim: ``≤ 0.45`` or ``≥ 0.98``. It is for the first side ÷ the second, or the median of the only one.
        sides: side → a value for each run. Ours is first, and second whom it is compared with.
    """

    what: str
    unit: str
    limit: str
    aim: str = ""
    sides: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.aim and not re.fullmatch(r"[≤≥] \d+(\.\d+)?", self.aim):
            raise ValueError(f"the aim of {self.what!r} is {self.aim!r}, and not like '≤ 0.45'")

    def of(self, sides: Mapping[str, Sequence[float]]) -> Row:
        """The same row, measured."""
        return replace(self, sides=sides)

    def median(self, side: str) -> float:
        """Of all runs."""
        return statistics.median(self.sides[side])

    def ratio(self, side: str) -> float | None:
        """Ours ÷ that side, of the medians. None where it says nothing: ours by itself, or by nothing."""
        first = next(iter(self.sides))
        return self.median(first) / self.median(side) if side != first and self.median(side) else None

    @property
    def judged(self) -> str:
        """The side whose line has the aim."""
        return list(self.sides)[:2][-1]

    @property
    def target(self) -> float | None:
        """What the aim asks of ours, in the row's unit."""
        if not self.aim:
            return None
        number = float(self.aim[2:])
        return number * self.median(self.judged) if len(self.sides) > 1 else number

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.target is None:
            return None
        return bool(SIGNS[self.aim[0]](self.median(next(iter(self.sides))), self.target))


@dataclass(frozen=True)
class Result:
    """What a benchmark found, when, on what, and with which command."""

    name: str
    command: str
    date: str
    machine: Machine
    rows: Sequence[Row]


def measured(rows: Mapping[str, Row], runs: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Row]:
    """The rows of a benchmark with what was measured. Rows without a value are left out.

    Args:
        rows: key → row.
        runs: side → for each run, key → value.
    """
    found = []
    for key, row in rows.items():
        sides = {side: [each[key] for each in values if key in each] for side, values in runs.items()}
        if any(sides.values()):
            found.append(row.of({side: values for side, values in sides.items() if values}))
    return found


def keep(path: Path, result: Result) -> None:
    """Write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=2, ensure_ascii=False) + "\n")


def load(path: Path) -> Result:
    """Read what ``keep`` has written."""
    kept = json.loads(path.read_text())
    return Result(**{**kept, "machine": Machine(**kept["machine"]), "rows": [Row(**row) for row in kept["rows"]]})


def table(rows: Iterable[Row]) -> str:
    """Markdown."""
    lines = [f"| {' | '.join(HEADS)} |", "|---|---|--:|--:|--:|--:|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for row in rows for cells in lines_of(row))])


def lines_of(row: Row) -> Iterator[tuple[str, ...]]:
    """A line for each side; what is measured stands in the first."""
    for number, (side, values) in enumerate(row.sides.items()):
        what = f"{row.what}, {row.unit}" if not number else ""
        extremes = f"{shown(min(values))} to {shown(max(values))}" if len(values) > 1 else ""
        ratio = row.ratio(side)
        aim = f"{row.aim}: {'met' if row.met else '**missed**'}" if row.aim and side == row.judged else ""
        yield (
            what,
            side,
            str(len(values)),
            shown(row.median(side)),
            extremes,
            "" if ratio is None else shown(ratio),
            aim,
        )


def shown(value: float) -> str:
    """With three digits that count."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits)}f}"
