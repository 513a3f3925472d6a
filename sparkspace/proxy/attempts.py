"""Failed logins: who guesses too often is kept out for a while, whatever he sends then, and nobody else is.

nginx itself can only count requests, not failures. So it hands every failed login to the desk, and looks before every
request whether there is a file named after the client.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..log import event

MOST_FAILURES = 10
WITHIN_S = 60.0
BANNED_FOR_S = 60.0
MOST_CLIENTS = 10_000  # remembered at once


class Attempts:
    """The failures of the last minute, by client, and the files of those kept out."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}
        self._banned: dict[str, float] = {}

    def failed(self, client: str) -> bool:
        """Count a failed login. Returns whether the client is kept out from now on."""
        if not _is_address(client):
            return False  # it will be the name of a file
        now = self._clock()
        if client not in self._failures and len(self._failures) >= MOST_CLIENTS:
            del self._failures[next(iter(self._failures))]
        failures = self._failures.setdefault(client, deque(maxlen=MOST_FAILURES))
        failures.append(now)
        if len(failures) < MOST_FAILURES or now - failures[0] > WITHIN_S:
            return False
        event("login-banned", client=client, failures=MOST_FAILURES, seconds=int(BANNED_FOR_S))
        (self._folder / client).touch()
        self._banned[client] = now + BANNED_FOR_S
        del self._failures[client]
        return True

    def sweep(self) -> None:
        """Let those in again whose time is up, and forget failures of long ago."""
        now = self._clock()
        for client in [client for client, until in self._banned.items() if until <= now]:
            (self._folder / client).unlink(missing_ok=True)
            del self._banned[client]
        for client in [client for client, failures in self._failures.items() if now - failures[-1] > WITHIN_S]:
            del self._failures[client]


def _is_address(text: str) -> bool:
    """Whether this is an IP address, and so no ``..``; a scope (``fe80::1%x``) is none of one."""
    try:
        return bool(re.fullmatch(r"[0-9a-fA-F.:]{2,45}", text) and ipaddress.ip_address(text))
    except ValueError:
        return False
