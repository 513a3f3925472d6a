"""A process beside the program that this process is about to become, which ends with it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def beside(work: Callable[[], None]) -> None:
    """Do ``work`` in a child, and return at once: the caller execs.

    A fork, and not a Python of its own: there is nothing to find and nothing to hand over, least of all a secret. The
    kernel kills the child when this process ends, whatever it has become by then.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        return
    try:
        import ctypes  # here, for the program to be does not wait for it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:  # else it ended before the kernel was told
            work()
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)
