"""pyspark's daemon, and workers, to which SIGTERM does nothing: their executor finishes its tasks first.

Heroku sends SIGTERM to every process of a dyno; pyspark's own handlers would end the tasks in it, as failures. Spark
doesn't need the signal: it closes the daemon's stdin, and has it kill a worker (``PythonWorkerFactory``).

A daemon for one version of the user's code alone (``SPARKSPACE_CODE``: ``code/deploy.py``) ends when nobody needs it
any more: Spark itself ends none before the executor does (SPARK-54055), and starts another if it should need it again.

Executors run it as ``python -m sparkspace_daemon`` (``spark.python.daemon.module``), whatever Python they have.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

from pyspark import daemon

IDLE_S = 90.0  # idle workers end after a minute (PythonWorkerFactory)


def stay() -> None:
    """Have SIGTERM do nothing to this process. What a task starts gets the usual meaning of the signal back."""
    here = os.getpid()

    def on_term(number: int, frame: types.FrameType | None) -> None:
        if os.getpid() != here:  # a task has forked: multiprocessing ends its children so
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_term)  # not SIG_IGN, which a program that the task starts would inherit
    signal.siginterrupt(signal.SIGTERM, False)


class Idleness:
    """Ends the daemon when it has been idle. pyspark's looks for work every second."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def note(self, found: Sequence[object]) -> None:
        """What was there to do."""
        if any(found) or has_children():
            self._since = time.monotonic()
        elif time.monotonic() - self._since > IDLE_S:
            sys.exit(0)


class Poll:
    """``select.poll`` for pyspark's daemon."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._idleness = Idleness()
        self.register = self._poll.register
        self.unregister = self._poll.unregister

    def poll(self, timeout_ms: int) -> list[tuple[int, int]]:
        """What ``select.poll`` finds."""
        found = self._poll.poll(timeout_ms)
        self._idleness.note(found)
        return found


class Select:
    """``select.select`` for pyspark's daemon, before Spark 4.2."""

    def __init__(self) -> None:
        self._idleness = Idleness()

    def __call__(self, *wanted: Any) -> tuple[list[Any], list[Any], list[Any]]:  # noqa: ANN401
        found = select.select(*wanted)
        self._idleness.note(found)
        return found


def has_children() -> bool:
    """Whether a worker of this daemon lives."""
    try:
        os.waitpid(-1, os.WNOHANG)  # reaps nobody: the kernel does, for the daemon ignores SIGCHLD
    except ChildProcessError:
        return False
    return True


def set_handler(number: int, handler: Callable[..., None] | int | None) -> object:
    """``signal.signal`` for pyspark's daemon, which sets handlers in itself and in every worker that it forks."""
    if number == signal.SIGTERM:
        stay()
        return None
    return signal.signal(number, handler)


if __name__ == "__main__":
    stay()
    vars(daemon)["signal"] = types.SimpleNamespace(**{**vars(signal), "signal": set_handler})
    if os.environ.get("SPARKSPACE_CODE"):
        vars(daemon)["select"] = types.SimpleNamespace(**{**vars(select), "poll": Poll, "select": Select()})
    daemon.manager()
