"""pyspark's daemon, and workers, to which SIGTERM does nothing: their executor finishes its tasks first.

Heroku sends SIGTERM to every process of a dyno; pyspark's own handlers would end the tasks in it, as failures. Spark
doesn't need the signal: it closes the daemon's stdin, and has it kill a worker (``PythonWorkerFactory``).

Executors run it as ``python -m sparkspace_daemon`` (``spark.python.daemon.module``), whatever Python they have.
"""

from __future__ import annotations

import os
import signal
import types
from collections.abc import Callable

from pyspark import daemon


def stay() -> None:
    """Have SIGTERM do nothing to this process. What a task starts gets the usual meaning of the signal back."""
    here = os.getpid()

    def on_term(number: int, frame: types.FrameType | None) -> None:
        if os.getpid() != here:  # a task has forked: multiprocessing ends its children so
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_term)  # not SIG_IGN, which a program that the task starts would inherit
    signal.siginterrupt(signal.SIGTERM, False)


def set_handler(number: int, handler: Callable[..., None] | int | None) -> object:
    """``signal.signal`` for pyspark's daemon, which sets handlers in itself and in every worker that it forks."""
    if number == signal.SIGTERM:
        stay()
        return None
    return signal.signal(number, handler)


if __name__ == "__main__":
    stay()
    vars(daemon)["signal"] = types.SimpleNamespace(**{**vars(signal), "signal": set_handler})
    daemon.manager()
