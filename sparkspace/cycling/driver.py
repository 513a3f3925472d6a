"""A driver in a one-off dyno: at SIGTERM it is said what was running, and the dyno lives until its JVM has let go.

The shells' outer process (bash, Python) ends at SIGTERM at once, and with it would the dyno, while the JVM in it still
closes the event log and gives its executors back. Nothing here holds the signal from anybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .. import ports
from ..log import event
from . import processes
from .worker import GONE_WITHIN_S, code

PR_SET_CHILD_SUBREAPER = 36
# A driver's pages are closed when it is told to end, so it is asked before. Its first answer costs it a second: what is
# over sooner is not asked.
FIRST_LOOK_AFTER_S = 15.0
LOOK_EVERY_S = 3.0
ANSWER_WITHIN_S = 1.0
MOST_STAGES = 10
WAITED_FOR = {signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD}
ITS_OWN_BUSINESS = (signal.SIGINT, signal.SIGQUIT)  # of the child: a terminal sends them to both

Stage = dict[str, object]


class Driver:
    """Spark's script as a child of this process, and whatever that starts."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._address = env["SPARK_LOCAL_IP"]
        self._running: list[Stage] = []
        self._born = time.monotonic()
        self._terminal = Terminal(env)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # a JVM whose shell has ended becomes our child
        before = [(number, signal.getsignal(number)) for number in ITS_OWN_BUSINESS]

        def as_before() -> None:
            for number, handler in before:
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED_FOR)

        signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
        for number in ITS_OWN_BUSINESS:
            signal.signal(number, signal.SIG_IGN)
        self._process = subprocess.Popen(command, env=dict(env), preexec_fn=as_before)  # kept: else it reaps by itself
        self._code: int | None = None

    def keep(self) -> int:
        """Be with the driver until its end. Returns its exit code."""
        while self._code is None:
            told = signal.sigtimedwait(WAITED_FOR, LOOK_EVERY_S)
            if told and told.si_signo != signal.SIGCHLD:
                return self._leave(signal.Signals(told.si_signo))
            self._reap()
            if told is None and time.monotonic() - self._born > FIRST_LOOK_AFTER_S:
                self._running = self._stages()
        self._terminal.restore()
        return self._code

    def _leave(self, number: signal.Signals) -> int:
        """Say what is running, and wait until all have ended. Bounded."""
        end = time.monotonic() + GONE_WITHIN_S
        event("stopping", signal=number.name, stages=len(self._running))
        for stage in self._running[:MOST_STAGES]:
            event("running", **stage)
        processes.send(number, [self._process.pid])  # a box, and a terminal that is gone, tell this process alone
        while self._reap() and time.monotonic() < end:
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_EVERY_S)
        left = processes.descendants(os.getpid())
        event("stopped" if not left else "cut-off", processes_left=len(left))
        processes.send(signal.SIGKILL, left)
        while self._reap():
            signal.sigtimedwait({signal.SIGCHLD}, LOOK_EVERY_S)
        self._terminal.restore()
        return 128 + number if self._code is None else self._code

    def _reap(self) -> bool:
        """Collect who has ended. Returns whether somebody is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return True
                if pid == self._process.pid:
                    self._code = code(os.waitstatus_to_exitcode(status))
        return False

    def _stages(self) -> list[Stage]:
        """The stages that run now, of every application of this driver, as its own page has them."""
        found: list[Stage] = []
        for port in processes.listening(processes.descendants(os.getpid()), ports.DRIVER_UIS):
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                for application in self._ask(port, "/api/v1/applications"):
                    stages = self._ask(port, f"/api/v1/applications/{application['id']}/stages?status=active")
                    found += [described(application["id"], stage) for stage in stages]
        return found

    def _ask(self, port: int, path: str) -> list[dict[str, Any]]:
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection(self._address, port, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("GET", path)
            answer: list[dict[str, Any]] = json.load(connection.getresponse())
            return answer
        except HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()


class Terminal:
    """The terminal of a shell, which leaves it without an echo when it is killed: Spark's ``bin/spark-shell`` minds it.

    Of another program's we know nothing: it may be in a pipe with one that has the terminal.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        is_ours = "SPARK_SCALA_SHELL" in env and os.isatty(0) and os.isatty(1)
        self._before = termios.tcgetattr(0) if is_ours else None

    def restore(self) -> None:
        """Have it as it was, unless it is another's by now."""
        if self._before is not None:
            with contextlib.suppress(OSError, termios.error):
                if os.tcgetpgrp(0) == os.getpgrp():
                    termios.tcsetattr(0, termios.TCSANOW, self._before)


def described(application: str, fields: Mapping[str, Any]) -> Stage:
    """A stage in words of the log (``StageData`` of Spark's REST API)."""
    done, running = fields["numCompleteTasks"], fields["numActiveTasks"]
    tasks = f"{done}/{fields['numTasks']}"
    return {
        "application": application,
        "stage": fields["stageId"],
        "name": fields["name"],
        "tasks": tasks,
        "now": running,
    }
