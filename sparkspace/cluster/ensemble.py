"""Our own ZooKeepers: who belongs to the ensemble, who serves, and what one finds when it starts with an empty disk."""

from __future__ import annotations

import re
import socket
import tempfile
from pathlib import Path

from .. import ports, topology
from ..config import Dyno, Settings
from ..errors import ConfigError

ANSWERED_WITHIN_S = 5.0


def number(dyno: Dyno, settings: Settings) -> int:
    """Which member this dyno is, from 1 on.

    Raises:
        ConfigError: it is none.
    """
    own = int(dyno.name.partition(".")[2])
    if own > settings.ensemble:
        raise ConfigError(
            "SPARKSPACE_ZOOKEEPERS",
            f"must count this dyno, {dyno.name}, or a ZooKeeper there is of no use",
            str(settings.ensemble),
            str(next((size for size in (3, 5) if size >= own), 7)),
        )
    return own


def others(dyno: Dyno, settings: Settings) -> list[str]:
    """The DNS names of the other members."""
    return [host for host in topology.zookeeper_hosts(dyno, settings) if host != dyno.dns_name]


def data(own: int, others: list[str]) -> Path:
    """Make the folder of a member that starts, empty but for its number and whether it is among the first.

    A disk is empty after every restart. A member that says so has no vote until another has told it what was agreed;
    otherwise one that has lost its memory and one that lags could be a majority, and forget. But somebody must begin:
    so it has a vote when no other serves, be it that the ensemble is new or that most of it was lost.
    """
    folder = Path(tempfile.mkdtemp(prefix="sparkspace-zookeeper-"))
    (folder / "myid").write_text(f"{own}\n")
    if not any(map(is_serving, others)):
        (folder / "initialize").touch()
    return folder


def is_serving(host: str, port: int = ports.ZOOKEEPER) -> bool:
    """Whether a ZooKeeper is part of a quorum."""
    return bool(mode(host, port))


def mode(host: str, port: int = ports.ZOOKEEPER) -> str:
    """``leader``, ``follower`` or ``standalone``, by its own word (``srvr``); empty: it does not serve."""
    try:
        with socket.create_connection((host, port), timeout=ANSWERED_WITHIN_S) as connection:
            connection.sendall(b"srvr")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return ""
    found = re.search(rb"^Mode: (\w+)", answer, re.MULTILINE)
    return found[1].decode() if found else ""
