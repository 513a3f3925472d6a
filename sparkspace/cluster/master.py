"""The master's JSON page, as values. Source: ``MasterPage.renderJson`` and ``JsonProtocol`` of Spark's ``deploy``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..sizing import Capacity

ANSWER_WITHIN_S = 5.0


@dataclass(frozen=True)
class Worker:
    """A Spark worker as its master sees it."""

    id: str
    host: str
    state: str
    cores: int
    cores_used: int
    memory_mb: int
    memory_used_mb: int
    page: str = ""  # the URL that it announces

    @property
    def announced(self) -> tuple[str, str]:
        """Its dyno and the app's domain (``worker.2``, ``myapp.app.localspace``); empty: it has not said so.

        It announces its page at the dyno's DNS name, whatever its address (``SPARK_PUBLIC_DNS``).
        """
        try:
            number, _, rest = (urlsplit(self.page).hostname or "").partition(".")
        except ValueError:  # half an IPv6 address
            return "", ""
        process_type, _, domain = rest.partition(".")
        is_dyno = number.isdigit() and domain and not process_type.isdigit()
        return (f"{process_type}.{number}", domain) if is_dyno else ("", "")


@dataclass(frozen=True)
class Application:
    """A Spark application as its master sees it."""

    id: str
    name: str
    user: str
    state: str
    cores: int
    memory_per_executor_mb: int
    duration_s: float


@dataclass(frozen=True)
class MasterStatus:
    """What a master says of itself, or that it does not answer (state ``DOWN``, with ``problem`` saying why)."""

    url: str
    state: str  # ALIVE, STANDBY, RECOVERING, COMPLETING_RECOVERY, DOWN
    workers: tuple[Worker, ...] = ()
    applications: tuple[Application, ...] = ()
    finished: tuple[Application, ...] = ()  # the newest first
    problem: str = ""

    @property
    def alive_workers(self) -> tuple[Worker, ...]:
        """The workers that can take work."""
        return tuple(worker for worker in self.workers if worker.state == "ALIVE")

    @property
    def smallest_worker(self) -> Capacity | None:
        """What the one with the least memory offers, of those that can take work; None: there is none."""
        offers = [Capacity(worker.memory_mb, worker.cores) for worker in self.alive_workers]
        return min(offers, key=lambda offer: offer.memory_mb, default=None)


def ask(url: str, timeout_s: float = ANSWER_WITHIN_S) -> MasterStatus:
    """Ask the master whose page is at ``url``. Never raises: no answer is an answer."""
    import requests  # 190 ms that master-url does not need

    session = requests.Session()
    session.trust_env = False  # no HTTP proxy stands between two dynos
    try:
        reply = session.get(f"{url}/json/", timeout=timeout_s, allow_redirects=False)
        reply.raise_for_status()
    except (requests.RequestException, ValueError) as error:  # ValueError: what can't be the name of a host
        return MasterStatus(url, "DOWN", problem=plain(error))
    try:
        return parse_status(url, reply.json())
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return MasterStatus(url, "DOWN", problem="its answer is not that of a Spark master")


def state(url: str, timeout_s: float = ANSWER_WITHIN_S) -> str:
    """Its state alone; empty: no answer. For who does nothing else: ``requests`` takes longer to import than to ask."""
    from http.client import HTTPConnection, HTTPException

    try:
        with contextlib.closing(HTTPConnection(url.removeprefix("http://"), timeout=timeout_s)) as connection:
            connection.request("GET", "/json/")
            return str(json.loads(connection.getresponse().read())["status"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return ""


def ask_all(urls: Iterable[str], timeout_s: float = ANSWER_WITHIN_S) -> list[MasterStatus]:
    """Ask every master."""
    return [ask(url, timeout_s) for url in urls]


def leader(masters: Iterable[MasterStatus]) -> MasterStatus | None:
    """The first that is ALIVE."""
    return next((master for master in masters if master.state == "ALIVE"), None)


def parse_status(url: str, page: dict[str, Any]) -> MasterStatus:
    """The JSON page as a value.

    Raises:
        KeyError, TypeError, ValueError: it is not a master's page.
    """
    return MasterStatus(
        url=url,
        state=str(page["status"]),
        workers=tuple(_worker(fields) for fields in page["workers"]),
        applications=tuple(map(_application, page["activeapps"])),
        finished=tuple(map(_application, reversed(page.get("completedapps", [])))),
    )


def _worker(fields: dict[str, Any]) -> Worker:
    return Worker(
        id=fields["id"],
        host=fields["host"],
        state=fields["state"],
        cores=int(fields["cores"]),
        cores_used=int(fields["coresused"]),
        memory_mb=int(fields["memory"]),
        memory_used_mb=int(fields["memoryused"]),
        page=str(fields.get("webuiaddress", "")),
    )


def _application(fields: dict[str, Any]) -> Application:
    return Application(
        id=fields["id"],
        name=fields["name"],
        user=fields["user"],
        state=fields["state"],
        cores=int(fields["cores"]),
        memory_per_executor_mb=int(fields["memoryperexecutor"]),
        duration_s=int(fields["duration"]) / 1000,
    )


def plain(error: Exception) -> str:
    """The cause in a few words: what requests wraps in five layers."""
    text = str(error)
    for sign, words in (
        ("NameResolution", "its name does not resolve"),
        ("Connection refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("No route to host", "no route to its address"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ):
        if sign in text:
            return words
    return text.splitlines()[0][:120] if text else type(error).__name__
