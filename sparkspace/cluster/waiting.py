"""Waits for a cluster: bounded, backed off, and saying what is missing."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence

from ..errors import MasterUnreachable, UsageError
from ..log import event
from .master import MasterStatus, leader, state

# A worker that comes before a master leads is put off, and tries again after 5 to 15 s (``Worker.scala``,
# ``INITIAL_REGISTRATION_RETRY_INTERVAL_SECONDS``). One that recovers takes it at once.
TAKES_WORKERS = ("ALIVE", "RECOVERING", "COMPLETING_RECOVERY")
FIRST_PAUSE_S, LONGEST_PAUSE_S, LONGER = 0.05, 1.0, 1.05

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


def for_a_master(urls: Sequence[str], within_s: float) -> None:
    """Have a worker wait until a master takes it. Afterwards it begins anyhow, and Spark goes on trying.

    Not by ``tenacity``, which takes longer to import than this usually waits.
    """
    if not within_s or _is_taken(urls):
        return
    event("master-awaited", within=f"{within_s:g}s", reason="none-takes-workers", var="SPARKSPACE_MASTER_WAIT_S")
    end, pause = time.monotonic() + within_s, FIRST_PAUSE_S
    while not _is_taken(urls):
        if time.monotonic() + pause > end:
            event("master-missing", reason="none-takes-workers")
            return
        time.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * LONGER, LONGEST_PAUSE_S)


def _is_taken(urls: Sequence[str]) -> bool:
    return any(state(url) in TAKES_WORKERS for url in urls)


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
