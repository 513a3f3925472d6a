"""Processes of this dyno, out of /proc: small, for what stays beside a JVM all its life."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable


def parents() -> dict[int, int]:
    """Process → its parent. What has ended, and is not reaped yet, is not in it."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    found[int(name)] = int(parent)
    return found


def children(of: int) -> set[int]:
    """The processes that ``of`` started."""
    return {pid for pid, parent in parents().items() if parent == of}


def descendants(of: int) -> set[int]:
    """The processes that ``of`` started, what those started, and so on."""
    above, found, frontier = parents(), set[int](), {of}
    while frontier:
        frontier = {pid for pid, parent in above.items() if parent in frontier}
        found |= frontier
    return found


def is_held(pid: int, number: signal.Signals) -> bool:
    """Whether somebody sent this signal to a process that blocks it: ``ShdPnd`` of proc(5)."""
    return _has(pid, "ShdPnd", number)


def is_caught(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for this signal: ``SigCgt`` of proc(5)."""
    return _has(pid, "SigCgt", number)


def _has(pid: int, mask: str, number: signal.Signals) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:
        masks = dict(line.split(":", 1) for line in file if line.startswith(mask))
        return bool(int(masks[mask], 16) >> (number - 1) & 1)
    return False


def threads(pid: int) -> set[str]:
    """The names of its threads, of which Linux keeps 15 characters. A JVM gives them those of Java's."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{name}/comm") as file:
                found.add(file.read().rstrip("\n"))
    return found


def send(number: signal.Signals, to: Iterable[int]) -> None:
    """Send a signal to processes, as far as they are still there."""
    for pid in to:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def listening(pids: Iterable[int], among: Iterable[int]) -> list[int]:
    """The ports, of those ``among``, that these processes listen on (/proc/net/tcp; state 0A)."""
    held = {link for pid in pids for link in _links(pid)}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as file:
            for fields in map(str.split, list(file)[1:]):
                port = int(fields[1].rpartition(":")[2], 16)
                if fields[3] == "0A" and port in among and f"socket:[{fields[9]}]" in held:
                    found.add(port)
    return sorted(found)


def _links(pid: int) -> set[str]:
    folder, found = f"/proc/{pid}/fd", set()
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                found.add(os.readlink(f"{folder}/{name}"))
    return found
