"""Two sides in one run: they alternate, and take turns in going first, so that other load falls on both."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "results"

Values = dict[str, float]
Runs = dict[str, list[Values]]


def alternate(sides: Mapping[str, Callable[[], Values]], runs: int) -> Runs:
    """Each side once without counting, then so many times. What was measured, by side."""
    measured: Runs = {name: [] for name in sides}
    for run in range(runs + 1):
        for name in sorted(sides, reverse=bool(run % 2)):
            values = sides[name]()
            words = "  ".join(f"{key} {value:.2f}" for key, value in values.items())
            print(f"{'warm-up' if not run else f'run {run}':<8} {name:<6} {words}", file=sys.stderr, flush=True)
            if run:
                measured[name].append(values)
    return measured


def medians(runs: list[Values]) -> Values:
    """Of each value."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def ratios(measured: Runs) -> Values:
    """Ours ÷ stock, of the medians."""
    ours, stock = medians(measured["ours"]), medians(measured["stock"])
    return {key: ours[key] / stock[key] for key in ours}


def machine() -> dict[str, str]:
    """What it was measured on."""
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "python": platform.python_version(),
        "spark": version("pyspark"),
    }


def keep(path: Path, result: Mapping[str, object]) -> None:
    """Write a result, with the machine it is from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**machine(), **result}, indent=2) + "\n")


def spread(runs: list[Values], key: str) -> str:
    """``12.3 (11.0 to 15.1)``."""
    values = [run[key] for run in runs]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(measured: Runs, words: Mapping[str, str], targets: Mapping[str, float]) -> str:
    """Markdown: a row for each value that both sides have.

    Args:
        words: what each value is, and its unit.
        targets: how large the ratio may be.
    """
    rows = ["| | ours | stock | ours ÷ stock | aim |", "|---|--:|--:|--:|--:|"]
    for key, ratio in ratios(measured).items():
        cells = [spread(measured[side], key) for side in ("ours", "stock")]
        rows.append(f"| {words[key]} | {' | '.join(cells)} | {ratio:.2f} | {targets.get(key, '')} |")
    notes = (
        f"Median of {len(measured['ours'])} runs (and extremes); Spark {version('pyspark')}, {machine()['machine']}."
    )
    return "\n".join([*rows, "", notes])
