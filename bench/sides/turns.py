"""Several sides in one run: they alternate, and take turns in going first, so that other load falls on all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

Values = dict[str, float]
Runs = dict[str, list[Values]]


def alternate(sides: Mapping[str, Callable[[], Values]], runs: int, *, warm_up: bool = True) -> Runs:
    """Each side once without counting, then so many times. What was measured, by side."""
    measured: Runs = {name: [] for name in sides}
    for run in range(0 if warm_up else 1, runs + 1):
        for name in list(sides)[:: -1 if run % 2 else 1]:
            values = sides[name]()
            words = "  ".join(f"{key} {value:.2f}" for key, value in values.items())
            print(f"{f'run {run}' if run else 'warm-up':<8} {name:<16} {words}", file=sys.stderr, flush=True)
            if run:
                measured[name].append(values)
    return measured
