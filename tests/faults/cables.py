"""The network of a box in namespaces, from outside: pulling a dyno's cable, and having it lose what it sends."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import psutil

from sparkspace.box.network import BRIDGE

NOBODY = "02:00:00:00:00:66"  # a MAC that no card has


def _ip(pid: int, *words: str) -> Any:  # noqa: ANN401
    """iproute2 in the network namespace of a process; its answer, if it is one."""
    command = ["nsenter", "-t", str(pid), "-n", "ip", "-j", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def _space(process: psutil.Process) -> int:
    """A process in the namespace that all cables of the box lead to: the nearest parent that is not in the dyno's."""
    own = os.readlink(f"/proc/{process.pid}/ns/net")
    outside = os.readlink("/proc/self/ns/net")
    for parent in process.parents():
        if os.readlink(f"/proc/{parent.pid}/ns/net") not in (own, outside):
            return parent.pid
    raise AssertionError("this box has no namespaces")


@contextlib.contextmanager
def pulled(process: psutil.Process) -> Iterator[None]:
    """The dyno of this process can be reached by nobody, and reaches nobody."""
    space, peer = _space(process), _ip(process.pid, "link", "show", "eth0")[0]["link_index"]
    (cable,) = (link["ifname"] for link in _ip(space, "link") if link["ifindex"] == peer)
    _ip(space, "link", "set", cable, "nomaster")
    try:
        yield
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # the dyno has ended, and with it its cable
            _ip(space, "link", "set", cable, "master", BRIDGE)


@contextlib.contextmanager
def half_open(process: psutil.Process, towards: str) -> Iterator[None]:
    """What the dyno of this process sends to an address is lost; what comes from there arrives."""
    _ip(process.pid, "neigh", "replace", towards, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")
    try:
        yield
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip(process.pid, "neigh", "del", towards, "dev", "eth0")
