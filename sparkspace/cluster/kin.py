"""The processes of a session, out of /proc: all that its first one has started. None of Spark's leaves its session."""

from __future__ import annotations

import contextlib
import os
import signal
import time

LEAVES_WITHIN_S = 3.0
LOOK_EVERY_S = 0.02


class Kin:
    """The processes of the session that ``leader`` has begun. To look often is cheap: strangers are looked at once."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        self._strangers: set[int] = set()

    def look(self) -> dict[int, list[str]]:
        """Those that live: process → the words of its command."""
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        self._strangers &= pids
        found = {}
        for pid in pids - self._strangers:
            with contextlib.suppress(OSError):  # it has just ended
                if not self._is_ours(pid):
                    self._strangers.add(pid)
                elif words := _words(pid):  # what has ended, and nobody has asked how, has no command
                    found[pid] = words
        return found

    def end(self) -> None:
        """End all: SIGINT, at which a JVM cleans up behind itself, and SIGKILL for who does not mind. Bounded."""
        late = time.monotonic() + LEAVES_WITHIN_S
        self._send(signal.SIGINT)  # once: a second would break a cleanup off
        while self.look():
            if time.monotonic() > late:
                self._send(signal.SIGKILL)
            time.sleep(LOOK_EVERY_S)

    def _send(self, number: signal.Signals) -> None:
        for pid in self.look():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_ours(self, pid: int) -> bool:
        """By the number of its session: proc(5), the fourth field after the name of ``stat``."""
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[3]) == self.leader


def _words(pid: int) -> list[str]:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode(errors="replace").split("\0")[:-1]
