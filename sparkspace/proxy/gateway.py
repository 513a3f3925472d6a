"""The way from a laptop to the class server: what nginx hands over once the password is right, signed and passed on.

nginx can't sign, and is not to know the cluster's secret. What a browser could be made to send is refused here: a push
has a header that no form and no page of another site can set without asking first, and nobody answers that question.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable

import aiohttp
from aiohttp import web

from ..cluster.class_server import CURE
from ..cluster.signature import SEAL, Key, Request
from ..log import event
from .lookout import Lookout

LARGEST = 72 * 1024 * 1024  # nginx has the same limit
LARGEST_ANSWER = 16 * 1024 * 1024  # the names of what is missing
AT_ONCE = 4  # bodies in memory
WITHIN_S = aiohttp.ClientTimeout(total=60.0, sock_connect=3.0)


class Gateway:
    """Asks the class server that the lookout sees. ``is_foreign``: whether another site's page made the browser ask."""

    def __init__(self, lookout: Lookout, secret: str, is_foreign: Callable[[web.Request], bool]) -> None:
        self._lookout = lookout
        self._key = Key(secret) if secret else None
        self._is_foreign = is_foreign
        self._room = asyncio.Semaphore(AT_ONCE)

    async def sessions(self, request: web.Request) -> web.Response:
        """The sessions that are open."""
        return await self._pass_on(request, "GET", "/sessions", b"")

    async def push(self, request: web.Request) -> web.Response:
        """Files for one of them."""
        if request.headers.get("X-Push") != "1" or self._is_foreign(request):
            event("push-refused", client=request.headers.get("X-Client", ""), reason="not-by-our-program")
            return _refusal(403, "foreign", "This is no page for a browser.", "Push with: bin/sparkspace push")
        async with self._room:
            return await self._pass_on(request, "POST", "/push", await request.read())

    async def _pass_on(self, request: web.Request, method: str, path: str, body: bytes) -> web.Response:
        where = self._lookout.view.class_server
        if self._key is None or not where:
            return _refusal(503, "no-class-server", "No class server is running.", CURE)
        sender = request.headers.get("X-User", "")
        digest = await asyncio.get_running_loop().run_in_executor(None, hashlib.sha256, body)
        sent = self._key.headers(Request(method, path, digest.hexdigest(), sender))
        try:
            async with aiohttp.ClientSession(timeout=WITHIN_S, trust_env=False, auto_decompress=False) as session:
                url = f"http://{where}{path}"
                async with session.request(
                    method, url, data=io.BytesIO(body) if body else None, headers=sent, allow_redirects=False
                ) as reply:
                    got, status, text = reply.headers, reply.status, await whole(reply.content)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            event("class-server", address=where, error=repr(error))
            return _refusal(502, "no-class-server", "The class server does not answer.", CURE)
        # Its address may be a stranger's by now, and what he says is not passed on.
        if not self._key.is_sealed(sent, status, {"ETag": got.get("ETag", ""), SEAL: got.get(SEAL, "")}, text):
            event("class-server", address=where, warning="has-another-secret", status=status)
            return _refusal(502, "no-class-server", "What answers as the class server has another secret.", CURE)
        return web.Response(status=status, body=text, content_type="application/json", headers=FRESH)


async def whole(content: aiohttp.StreamReader) -> bytes:
    """All of an answer, or the beginning of one that is too large (which breaks its seal)."""
    parts, left = [], LARGEST_ANSWER
    while left > 0 and (part := await content.read(left)):  # gives what there is
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


FRESH = {"Cache-Control": "no-store"}


def _refusal(status: int, error: str, message: str, cure: str) -> web.Response:
    return web.json_response({"error": error, "message": message, "cure": cure}, status=status, headers=FRESH)
