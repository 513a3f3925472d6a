"""Beside each master somebody counts, and says it to who has the cluster's secret.

::

    GET  /counts    the counts, as Prometheus reads them
    POST /events    {"at": "drained", "facts": {"seconds": "3.2", …}}: what has happened elsewhere, to be counted here

Requests are signed and answers sealed (``cluster.signature``); all else is 401.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading

from aiohttp import web

from .. import ports
from ..cluster.signature import EMPTY, SEAL, Guard, Key, nonce_of
from ..cluster.tally import COUNTS, EVENTS, LARGEST_EVENT
from ..log import event
from .counts import Counts

LONGEST_PATH = 1024
# What may be told from elsewhere: a worker's own drain, and turns that a hand takes (bin/sparkspace cycle).
TOLD = ("draining", "drained", "cut-off")
TOLD_BY_HAND = "cycling-"


class Tally:
    """Serves ``counts``."""

    def __init__(self, counts: Counts, key: Key) -> None:
        self._counts = counts
        self._key = key
        self._guard = Guard(key)

    def begin(self, host: str) -> None:
        """Serve in a thread, for as long as this process lives. Without it the cluster goes on as well."""
        threading.Thread(target=lambda: asyncio.run(self._serve(host)), name="tally", daemon=True).start()

    async def _serve(self, host: str) -> None:
        try:
            await self.listen(host, ports.TALLY)
        except OSError as error:
            event("tally", warning="can-not-listen", port=ports.TALLY, reason=error.strerror)
            return
        await asyncio.Event().wait()

    async def listen(self, host: str, port: int) -> web.ServerRunner:
        """Serve until the runner is cleaned up.

        Raises:
            OSError: somebody else listens there.
        """
        silent = logging.Logger("sparkspace.tally")  # what strangers send is no news
        silent.addHandler(logging.NullHandler())
        server = web.Server(self.handle, access_log=None, logger=silent, max_line_size=LONGEST_PATH)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        return runner

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        sha256 = self._guard.body_of(request.method, request.raw_path, request.headers)
        if sha256 is None:
            return web.Response(status=401)
        status, body = await self._answer(request, sha256)
        seal = self._key.seal(nonce_of(request.headers), status, "", body)
        return web.Response(status=status, body=body, headers={SEAL: seal, "Cache-Control": "no-store"})

    async def _answer(self, request: web.BaseRequest, sha256: str) -> tuple[int, bytes]:
        match (request.method, request.raw_path):
            case ("GET", path) if path == COUNTS and sha256 == EMPTY:
                return 200, self._counts.text()
            case ("POST", path) if path == EVENTS:
                return (204 if self._count(await body_of(request, sha256)) else 400), b""
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


async def body_of(request: web.BaseRequest, sha256: str) -> bytes | None:
    """The body that was signed; None: it is another, or too large."""
    try:
        await request.content.readexactly(LARGEST_EVENT + 1)
        return None
    except asyncio.IncompleteReadError as whole:
        return whole.partial if hashlib.sha256(whole.partial).hexdigest() == sha256 else None
