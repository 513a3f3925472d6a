"""Beside each master somebody counts, and says it to who has the cluster's secret.

::

    GET  /counts    the counts, as Prometheus reads them
    POST /events    {"at": "drained", "facts": {"seconds": "3.2", …}}: what has happened elsewhere, to be counted here

Requests are signed and answers sealed (``cluster.signature``); all else is 401.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .. import ports
from ..cluster.signature import EMPTY, SEAL, Guard, Key, nonce_of
from ..cluster.tally import COUNTS, EVENTS, LARGEST_EVENT
from ..log import event
from .counts import Counts

# What may be told from elsewhere: a worker's own drain, and turns that a hand takes (bin/sparkspace cycle).
TOLD = ("draining", "drained", "cut-off")
TOLD_BY_HAND = "cycling-"


class Tally:
    """Serves ``counts``."""

    def __init__(self, counts: Counts, key: Key) -> None:
        self._counts = counts
        self._key = key
        self._guard = Guard(key)
        self._one_at_a_time = threading.Lock()

    def begin(self, host: str) -> None:
        """Serve in a thread, for as long as this process lives. Without it the cluster goes on as well."""
        try:
            self.listen(host, ports.TALLY)
        except OSError as error:
            event("tally", warning="can-not-listen", port=ports.TALLY, reason=error.strerror)

    def listen(self, host: str, port: int) -> ThreadingHTTPServer:
        """Serve in a thread until the server is shut down and closed.

        Python's own server, not aiohttp's, which would be a third of the memory of what goes on beside a master.

        Raises:
            OSError: somebody else listens there.
        """
        server = ThreadingHTTPServer((host, port), type("Handler", (Asked,), {"tally": self}))
        threading.Thread(target=server.serve_forever, name="tally", daemon=True).start()
        return server

    def answer(self, asked: Asked) -> tuple[int, bytes, str]:
        """Status, body and seal for one request."""
        with self._one_at_a_time:
            sha256 = self._guard.body_of(asked.command, asked.path, asked.headers)
        if sha256 is None:
            return 401, b"", ""
        status, body = self._answer(asked, sha256)
        return status, body, self._key.seal(nonce_of(asked.headers), status, "", body)

    def _answer(self, asked: Asked, sha256: str) -> tuple[int, bytes]:
        match (asked.command, asked.path):
            case ("GET", path) if path == COUNTS and sha256 == EMPTY:
                return 200, self._counts.text()
            case ("POST", path) if path == EVENTS:
                return (204 if self._count(asked.body(sha256)) else 400), b""
        return 404, b""

    def _count(self, body: bytes | None) -> bool:
        """Whether it is an event that may be told."""
        try:
            told = json.loads(body or b"")
            at, facts = str(told["at"]), {str(name): str(fact) for name, fact in told["facts"].items()}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return False
        if at not in TOLD and not at.startswith(TOLD_BY_HAND):
            return False
        self._counts.hear(at, facts)
        return True


class Asked(BaseHTTPRequestHandler):
    """One request. Nothing is said of it, and nothing of what answers: strangers may send it."""

    tally: Tally
    timeout = 10.0  # seconds, for each read: a stranger who sends nothing holds a thread

    def body(self, sha256: str) -> bytes | None:
        """The body that was signed; None: it is another, or too large."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= LARGEST_EVENT):
            return None
        found = self.rfile.read(int(length))
        return found if hashlib.sha256(found).hexdigest() == sha256 else None

    def reply(self) -> None:
        """Answer it, whatever its method."""
        self._send(*self.tally.answer(self))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = reply

    def _send(self, status: int, body: bytes, seal: str) -> None:
        self.send_response_only(status)
        for name, value in {SEAL: seal, "Cache-Control": "no-store", "Content-Length": str(len(body))}.items():
            if value and not (status == 204 and name == "Content-Length"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no HTTP."""
        self._send(code, b"", "")

    def log_message(self, *_: object) -> None:
        """Nothing."""
