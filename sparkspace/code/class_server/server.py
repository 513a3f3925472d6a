"""The class server: classes, resources and Python sources over HTTP, by name and by content, and what is pushed.

::

    signed    GET  /list                               {"classes": {name: [sha256, size]}, "python": …}
              GET  /classes/NAME, /python/NAME         a file of the release, by name
              GET  /blobs/SHA256                       a file of the release, or one that was pushed, by content
              GET  /sessions                           the sessions that are open, and what each has
              PUT, GET, DELETE /sessions/NAME          a driver opens it, looks for what is new, and closes it
              POST /fetch                              many files by content, in one body
              POST /push                               what a laptop has changed
    in a URL  GET  /read/CAPABILITY/release/classes/…  the same as /classes/…, for who can't sign: Spark's class loader
              GET  /read/CAPABILITY/pushed/VERSION/…   a file of what was pushed, by a version that never changes

A signed request is one of who has the cluster's secret (``cluster.signature``): without, all of these are 401. Spark's
``ExecutorClassLoader`` takes an http:// URI through Hadoop's ``HttpFileSystem``, which sends neither user nor query, so
what lets it in has to be part of the path: a MAC of what may be read, which opens nothing else; 404 to all others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from ...cluster.signature import SEAL, SENDER, Guard, Key, nonce_of
from ...log import event
from .manifest import is_sha256
from .pushes import Pushes
from .release import Release
from .replies import NOWHERE, Refusal, as_json, body_of, content_of, steps_of
from .served import Changing
from .sessions import is_session

LONGEST_PATH = 8192
T = TypeVar("T")


class ClassServer:
    """Serves a release, and what is pushed."""

    def __init__(self, key: Key, release: Release, pushes: Pushes) -> None:
        self._key = key
        self._guard = Guard(key)
        self._release = release
        self._pushes = pushes

    async def serve(self, host: str, port: int) -> web.ServerRunner:
        """Serve until the runner is cleaned up."""
        silent = logging.Logger("sparkspace.class-server")  # what strangers send is no news
        silent.addHandler(logging.NullHandler())
        server = web.Server(self.handle, access_log=None, logger=silent, max_line_size=LONGEST_PATH)
        runner = web.ServerRunner(server, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024).start()
        return runner

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        try:
            reply = await self._answer(request)
        except Refusal as refusal:
            reply = refusal.reply()
        except Changing:
            reply = web.Response(status=503, headers={"Retry-After": "1"})  # Spark's loader does not remember this one
        except Exception as error:
            event("class-server-failed", method=request.method, error=repr(error))
            reply = web.Response(status=500)
        reply.headers["Server"] = "sparkspace"
        reply.headers["X-Content-Type-Options"] = "nosniff"
        reply.headers.setdefault("Cache-Control", "no-store")
        return reply

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/read/"):
            return await self._open(request, steps_of(path))
        sha256 = self._guard.body_of(request.method, request.raw_path, request.headers)
        if sha256 is None:
            raise Refusal(401)
        sent = await body_of(request, sha256)
        try:
            reply = await self._signed(request, steps_of(path), dict(parse_qsl(query)), sent)
        except Refusal as refusal:
            reply = refusal.reply()
        text = reply.body if isinstance(reply.body, bytes) and request.method != "HEAD" else b""
        nonce = nonce_of(request.headers)
        reply.headers[SEAL] = self._key.seal(nonce, reply.status, reply.headers.get("ETag", ""), text)
        return reply

    async def _signed(
        self, request: web.BaseRequest, steps: list[str], query: Mapping[str, str], sent: bytes
    ) -> web.Response:
        """For who has the secret."""
        match (request.method, steps):
            case ("GET" | "HEAD", ["list"]):
                return as_json(await _apart(self._release.listed))
            case ("GET" | "HEAD", ["classes" | "python" as kind, *name]):
                return content_of(request, await _apart(lambda: self._release.read(kind, "/".join(name))))
            case ("GET" | "HEAD", ["blobs", sha256]) if is_sha256(sha256):
                return content_of(request, await _apart(lambda: self._blob(sha256)))
            case ("GET", ["sessions"]):
                return as_json(self._pushes.listed())
            case ("PUT" | "GET" | "DELETE", ["sessions", name]) if is_session(name):
                return self._pushes.session(request, name, query)
            case ("POST", ["fetch"]):
                return await _apart(lambda: self._pushes.fetch(sent))
            case ("POST", ["push"]):
                return await _apart(lambda: self._pushes.push(sent, request.headers.get(SENDER, "")))
        raise NOWHERE

    async def _open(self, request: web.BaseRequest, steps: list[str]) -> web.Response:
        """For who can't sign, and has a URL."""
        match (request.method, steps):
            case ("GET" | "HEAD", ["read", capability, "release", "classes" | "python" as kind, *name]):
                if self._key.opens(capability, "release"):
                    return content_of(request, await _apart(lambda: self._release.read(kind, "/".join(name))))
            case ("GET" | "HEAD", ["read", capability, "pushed", version, *name]):
                if self._key.opens(capability, f"pushed/{version}"):
                    return content_of(request, await _apart(lambda: self._pushes.read(version, "/".join(name))))
        raise NOWHERE

    def _blob(self, sha256: str) -> bytes | None:
        pushed = self._pushes.content(sha256)
        return pushed if pushed is not None else self._release.content(sha256)


async def _apart(work: Callable[[], T]) -> T:
    """In a thread, for it reads files."""
    return await asyncio.get_running_loop().run_in_executor(None, work)
