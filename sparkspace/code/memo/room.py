"""Make room: the results that have not been used for longest go first."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import place
from .decide import session
from .store import Store

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Cleaned:
    """What was removed, and what is left, in bytes. ``over``: how much more than wished, all of it in use or pinned."""

    removed: int
    left: int
    over: int


def clean(max_bytes: int, idle_hours: float = 24) -> Cleaned:
    """Remove results, the least recently used first, until the rest has at most ``max_bytes``.

    Never removed: what is pinned, what this process has read or written, and what anybody has used or begun within
    ``idle_hours`` (a use is noted once an hour): a job elsewhere may still read it. What a run that was killed left,
    older than that, goes in any case.
    """
    return sweep(place.find(session()), max_bytes, idle_hours)


def sweep(store: Store, max_bytes: int, idle_hours: float) -> Cleaned:
    """``clean``, in this store."""
    idle_since = time.time() * 1000 - idle_hours * HOUR_MS
    runs = sorted(store.runs(), key=lambda run: run.last_ms)
    left = sum(run.size for run in runs)
    removed = 0
    for run in runs:
        in_use = run.path in store.held or run.is_pinned or run.last_ms > idle_since
        if not in_use and (left > max_bytes or not run.is_whole):
            store.remove(run)
            left -= run.size
            removed += run.size
    return Cleaned(removed, left, max(0, left - max_bytes))
