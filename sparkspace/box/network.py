"""The two kinds of network that a box can have.

``Namespaces``: a bridge inside a network namespace of the space, and a namespace with an address of 10.x for each dyno,
as root or as an ordinary user through user namespaces. ``Loopback``: an address of 127.x for each dyno, and no walls.
"""

from __future__ import annotations

import itertools
import os
import secrets
import subprocess
from pathlib import Path
from typing import Protocol

from ..errors import BoxError
from .names import HostsFile, Names, serve

BRIDGE = "space0"
BRIDGE_MAC = "02:00:00:00:00:01"  # locally administered; each box has a namespace of its own


class Network(Protocol):
    """What a dyno needs of its network."""

    kind: str
    gateway: str

    def open(self, names: Names, folder: Path) -> None:
        """Make the network."""

    def address(self) -> str:
        """An address that no dyno of this box has had."""

    def attach(self, pid: int) -> None:
        """Plug in the dyno whose first process, in namespaces of its own, is ``pid``."""

    def publish(self) -> None:
        """The names have changed."""

    def environment(self) -> dict[str, str]:
        """What a dyno's processes need in their environment to find names."""

    def wrapper(self) -> list[str]:
        """The command before a dyno's first process that gives it its namespaces."""


class Namespaces:
    """One network namespace a dyno. The box itself is in a namespace of the space, so all ends when it ends."""

    kind = "namespaces"

    def __init__(self) -> None:
        self._net = f"10.{secrets.randbelow(250) + 2}"
        self._hosts = itertools.count(254)  # x.x.1.1 is the first, after the gateway's x.x.0.1
        self._cables = itertools.count(1)
        self.gateway = f"{self._net}.0.1"

    def open(self, names: Names, folder: Path) -> None:
        """Make the bridge, and the DNS server on it."""
        _ip(
            "link set lo up",
            # Without a MAC of its own a bridge has the lowest of what is plugged in. It changes as dynos come and go,
            # and those that remember the old one find no name for 15 s (Linux: br_stp_recalculate_bridge_id).
            f"link add {BRIDGE} address {BRIDGE_MAC} type bridge",
            f"addr add {self.gateway}/16 dev {BRIDGE}",
            f"link set {BRIDGE} up",
        )
        serve(names, self.gateway)

    def address(self) -> str:
        """The next of the /16."""
        number = next(self._hosts)
        return f"{self._net}.{number // 254 % 256}.{number % 254 + 1}"

    def attach(self, pid: int) -> None:
        """A cable from the bridge into the namespace of ``pid``, where it is ``eth0``."""
        cable = f"dyno{next(self._cables)}"
        _ip(f"link add {cable} type veth peer name eth0 netns {pid}", f"link set {cable} master {BRIDGE} up")

    def publish(self) -> None:
        """Nothing to do: the DNS server reads the table itself."""

    def environment(self) -> dict[str, str]:
        """Nothing: the dyno has an /etc/resolv.conf."""
        return {}

    def wrapper(self) -> list[str]:
        """util-linux's unshare: no privilege of ours beyond those the box already has."""
        own = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--propagation", "private"]
        return ["unshare", *own, "--kill-child=SIGKILL", "--"]


class Loopback:
    """One 127.x address a dyno. What it lacks: walls between dynos, and a root, /tmp and /app of each dyno's own."""

    kind = "loopback"
    gateway = "127.0.0.1"

    def __init__(self) -> None:
        self._net = f"127.{secrets.randbelow(200) + 32}"
        self._hosts = itertools.count(254)
        self._file: HostsFile | None = None

    def open(self, names: Names, folder: Path) -> None:
        """Write the first hosts file."""
        self._file = HostsFile(names, folder / "hosts")

    def address(self) -> str:
        """The next of the /16."""
        number = next(self._hosts)
        return f"{self._net}.{number // 254 % 256}.{number % 254 + 1}"

    def attach(self, pid: int) -> None:
        """Nothing to plug in."""

    def publish(self) -> None:
        """Write the hosts file anew."""
        if self._file:
            self._file.write()

    def environment(self) -> dict[str, str]:
        """libnss-wrapper shows the hosts file to everything that asks the C library."""
        return {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(self._file.path if self._file else "")}

    def wrapper(self) -> list[str]:
        """No namespaces."""
        return []


KINDS: dict[str, type[Namespaces] | type[Loopback]] = {"namespaces": Namespaces, "loopback": Loopback}


def space_command() -> list[str]:
    """The command before the box's own process that gives it the space's namespaces."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    own = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private"]
    return ["unshare", *user, *own, "--kill-child=SIGKILL", "--"]


def choose(wanted: str) -> tuple[str, str]:
    """The kind of network to use, and what its dynos lack (nothing: empty).

    Raises:
        BoxError: the kind that is asked for, or both, can't be had here.
    """
    lack = "" if wanted == "loopback" else lack_of_namespaces()
    if wanted == "namespaces" and lack:
        raise BoxError(f"Network namespaces can't be had here: {lack}", "Use: bin/sparkspace up --network loopback")
    if wanted != "loopback" and not lack:
        return "namespaces", ""
    if not _can_preload():
        because = f" (namespaces can't be had here: {lack})" if lack else ""
        raise BoxError(
            f"On loopback, dynos find each other's names through libnss-wrapper, which is not installed{because}.",
            "Install it with: apt-get install libnss-wrapper",
        )
    reason = lack or "loopback was asked for"
    return "loopback", f"walls between dynos, and an own /app, /tmp and /etc in each ({reason})"


def lack_of_namespaces() -> str:
    """Why there can be no namespaces here; empty if there can. Tries, rather than guesses from settings."""
    probe = [
        "sh",
        "-c",
        "ip link add space0 type bridge && ip link add a0 type veth peer name b0 && mount -t tmpfs none /tmp",
    ]
    try:
        tried = subprocess.run([*space_command(), *probe], capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        return "unshare is missing (package util-linux)"
    except subprocess.TimeoutExpired:
        return "unshare did not answer"
    if tried.returncode == 0:
        return ""
    said = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if restricted.is_file() and restricted.read_text().strip() == "1" and os.geteuid():
        return f"AppArmor keeps ordinary users from them ({restricted} is 1): run as root"
    return said


def _can_preload() -> bool:
    tried = subprocess.run(["true"], env={"LD_PRELOAD": "libnss_wrapper.so"}, capture_output=True)
    return not tried.stderr


def _ip(*lines: str) -> None:
    """Raises BoxError with what iproute2 said."""
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), capture_output=True, text=True)
    if done.returncode:
        raise BoxError(f"ip could not do {lines!r}: {done.stderr.strip()}")
