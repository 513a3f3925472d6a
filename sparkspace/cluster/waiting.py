"""The one wait for a cluster: bounded, backed off, and saying what is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ..errors import MasterUnreachable, UsageError
from .master import MasterStatus, leader

Ask = Callable[[], list[MasterStatus]]


def wait_for_workers(ask: Ask, workers: int, timeout_s: float) -> MasterStatus:
    """Wait until an ALIVE master has ``workers`` ALIVE workers, and return it.

    Raises:
        UsageError: a count below 0 or a time of 0 or less.
        MasterUnreachable: the time ran out; the message says what is there and what is missing.
    """
    from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random_exponential

    if workers < 0 or timeout_s <= 0:
        raise UsageError("--workers must be 0 or more, and --timeout more than 0 seconds.")
    seen: list[list[MasterStatus]] = []

    def look() -> MasterStatus | None:
        seen[:] = [ask()]
        alive = leader(seen[0])
        return alive if alive and len(alive.alive_workers) >= workers else None

    retrying = Retrying(
        stop=stop_after_delay(timeout_s),
        wait=wait_random_exponential(multiplier=0.2, max=1),
        retry=retry_if_result(lambda status: status is None),
    )
    with contextlib.suppress(RetryError):
        ready = retrying(look)
        assert ready  # or it would have been tried again
        return ready
    raise MasterUnreachable(missing(seen[0], workers, timeout_s), _cure(seen[0]))


def missing(masters: list[MasterStatus], workers: int, timeout_s: float) -> str:
    """What is there and what is not, in one sentence."""
    alive = leader(masters)
    if alive:
        return f"{len(alive.alive_workers)} of {workers} workers are registered after {timeout_s:g} s."
    said = "; ".join(f"{master.url} is {master.state}{_because(master)}" for master in masters)
    return f"No master is ALIVE after {timeout_s:g} s: {said}."


def _because(master: MasterStatus) -> str:
    return f" ({master.problem})" if master.problem else ""


def _cure(masters: list[MasterStatus]) -> str:
    kind = "worker" if leader(masters) else "master"
    return f"Look at the dynos and what they log: heroku ps, heroku logs --ps {kind}   (in a box: bin/sparkspace ps, …)"
