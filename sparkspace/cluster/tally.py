"""The tally beside each master (cycling/tally.py): how it is asked, and told what has happened elsewhere."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping

from .. import ports
from .class_server import Away, Client
from .signature import Key

SERVES = "tally"  # of the key
COUNTS, EVENTS = "/counts", "/events"  # its paths
LARGEST_EVENT = 4096
TOLD_WITHIN_S = 1.0  # one master


def key(secret: str) -> Key:
    """What requests and answers are signed with."""
    return Key(secret, SERVES)


def clients(master_url: str, secret: str, sender: str) -> list[Client]:
    """One for the tally beside each master of ``spark://HOST:7077,HOST:7077``."""
    hosts = re.findall(r"(?:^spark://|,)([^,:/]+):", master_url)
    return [Client(key(secret), host, ports.TALLY, sender) for host in hosts]


def tell(masters: Iterable[Client], at: str, facts: Mapping[str, str]) -> None:
    """Tell all of them, for any may lead tomorrow. One that is away, or does not want to know, is no matter."""
    body = json.dumps({"at": at, "facts": facts}).encode()
    for client in masters:
        with contextlib.suppress(Away):
            client.ask("POST", EVENTS, body, within_s=TOLD_WITHIN_S)
