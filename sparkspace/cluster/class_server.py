"""How dynos ask the class server: signed, over one connection that is kept, and within a time."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass
from typing import Any

from .. import ports, topology
from ..config import Dyno, Settings
from .signature import Key, Request

CURE = "Start one with: heroku ps:scale classserver=1   (in a box: bin/sparkspace scale classserver=1)"
STATUS_WITHIN_S = 2.0
LARGEST_ANSWER = 128 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """A sealed answer."""

    status: int
    etag: str
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body, decoded."""
        return json.loads(self.body)


class Away(Exception):
    """Nobody answers, not in time, or somebody who has not got the cluster's secret."""


def host_of(dyno: Dyno, settings: Settings) -> str:
    """The name of the class server's dyno: it belongs to the masters' app."""
    return f"1.classserver.{topology.master_app_domain(dyno, settings)}"


def release_of(env: Mapping[str, str]) -> str:
    """What Heroku calls the release, and the commit it was built from; empty when it does not say.

    It says so with the feature runtime-dyno-metadata alone: devcenter.heroku.com/articles/dyno-metadata.
    """
    return " ".join(filter(None, (env.get("HEROKU_RELEASE_VERSION"), env.get("HEROKU_SLUG_COMMIT", "")[:12])))


@dataclass(frozen=True)
class Push:
    """A session that asks for what is pushed, and what it has: ``version`` is empty when nothing was."""

    session: str
    version: str
    files: int
    by: str
    at: float  # Unix time
    drivers: tuple[tuple[str, str], ...]  # dyno → the version that it runs


def pushes(dyno: Dyno, settings: Settings) -> list[Push]:
    """The sessions of the cluster; none when there is no class server."""
    if not settings.secret:
        return []
    client = Client(Key(settings.secret), host_of(dyno, settings), sender=dyno.name)
    try:
        answer = client.ask("GET", "/sessions", within_s=STATUS_WITHIN_S)
        return [_push(found) for found in answer.json["sessions"]]
    except (Away, ValueError, KeyError, TypeError):
        return []
    finally:
        client.close()


def _push(found: dict[str, Any]) -> Push:
    drivers = tuple((str(each["dyno"]), str(each["runs"])) for each in found["drivers"])
    return Push(found["name"], found["version"], found["files"], found["by"], found["at"], drivers)


class Client:
    """Asks the class server at ``host``. ``sender``: who asks, for people."""

    def __init__(self, key: Key, host: str, port: int = ports.CLASS_SERVER, sender: str = "") -> None:
        self._key = key
        self._address = (host, port)
        self._sender = sender
        self._connection: http.client.HTTPConnection | None = None
        self._asking: Future[Answer] | None = None

    def ask(
        self, method: str, path: str, body: bytes = b"", *, within_s: float, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. It ends in time whatever happens: a name that hangs is waited for by a thread that is left.

        Raises:
            Away: no answer that can be believed.
        """
        if self._asking and not self._asking.done():
            raise Away("the last question has not been answered yet")
        self._asking = asking = Future[Answer]()
        wanted = (method, path, body, within_s, headers or {})
        threading.Thread(target=self._ask, args=(asking, *wanted), name="class-server", daemon=True).start()
        try:
            return asking.result(within_s)
        except OutOfTime:
            self.close()
            raise Away(f"no answer in {within_s:g} s") from None

    def close(self) -> None:
        """Drop the connection: a request that is under way on it ends."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _ask(
        self, asking: Future[Answer], method: str, path: str, body: bytes, within_s: float, headers: Mapping[str, str]
    ) -> None:
        try:
            asking.set_result(self._exchange(method, path, body, within_s, headers))
        except BaseException as error:
            self.close()
            asking.set_exception(error if isinstance(error, Away) else Away(str(error) or type(error).__name__))

    def _exchange(self, method: str, path: str, body: bytes, within_s: float, headers: Mapping[str, str]) -> Answer:
        """A connection that was kept may have been closed by the other side meanwhile: then once more, on a new one."""
        if self._connection:
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self._once(self._connection, method, path, body, headers)
            self.close()
        self._connection = connection = http.client.HTTPConnection(*self._address, timeout=within_s)
        return self._once(connection, method, path, body, headers)

    def _once(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        sent = self._key.headers(Request(method, path, hashlib.sha256(body).hexdigest(), self._sender))
        connection.request(method, path, body or None, {**headers, **sent})
        reply = connection.getresponse()
        text = reply.read(LARGEST_ANSWER)
        got = {"ETag": reply.getheader("ETag", ""), "X-Seal": reply.getheader("X-Seal", "")}
        if not self._key.is_sealed(sent, reply.status, got, text):
            reason = "has another secret, or another time" if reply.status == 401 else "is not the cluster's"
            raise Away(f"what answers at {self._address[0]} {reason}")
        return Answer(reply.status, got["ETag"].strip('"'), text)
