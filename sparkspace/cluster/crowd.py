"""Asking many dynos at once: one that is silent takes its time-out, and the others should not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 32  # threads, for as long as it takes: few enough for a master's dyno, and a thousand answers are 32 rows


def ask(question: Callable[[T], R], whom: Collection[T]) -> list[R]:
    """The answer of each, in their order. What ``question`` raises is raised."""
    if len(whom) < 2:
        return list(map(question, whom))
    with ThreadPoolExecutor(min(AT_ONCE, len(whom)), "crowd") as threads:
        return list(threads.map(question, whom))
