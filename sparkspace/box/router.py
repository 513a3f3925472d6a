"""The router: what stands between a browser and the web dynos, as Heroku's does for an app of a Private Space.

Source: devcenter.heroku.com/articles/http-routing and /articles/error-codes. It keeps Host as it is, adds the headers
that dynos rely on, gives a first byte 30 s and every later one 55 s, and takes no dyno that is not up.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
import uuid
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from .dyno import Dyno
from .space import Space

PORT = 5000  # of every web dyno, as its environment says
CONNECT_WITHIN_S = 5.0
FIRST_BYTE_WITHIN_S = 30.0
IDLE_S = 55.0
BOOT_WITHIN_S = 60.0
# Of one connection, not of the request: RFC 9110, 7.6.1.
# aiohttp would add these of its own.
ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
HOP_BY_HOP = (
    "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept",
)  # fmt: skip
ERRORS = {
    "H10": (503, "App crashed"),
    "H12": (503, "Request timeout"),
    "H13": (503, "Connection closed without response"),
    "H14": (503, "No web processes running"),
    "H20": (503, "App boot timeout"),
    "H21": (503, "Backend connection refused"),
}


class RouterError(Exception):
    """One of Heroku's error codes, of ``ERRORS``."""


class Router:
    """Forwards requests to the web dynos of a space."""

    def __init__(self, space: Space, tls: ssl.SSLContext | None = None) -> None:
        self._space = space
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def serve(self, sock: Any) -> web.AppRunner:  # noqa: ANN401  # socket.socket, by which name this module has no use
        """Serve on a listening socket, until the runner is cleaned up."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S, sock_read=IDLE_S)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=ADDED
        )
        app = web.Application(client_max_size=1 << 40)
        app.router.add_route("*", "/{path:.*}", self.forward)
        app.on_cleanup.append(self._close)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, sock, ssl_context=self._tls).start()
        return runner

    async def _close(self, app: web.Application) -> None:
        if self._session:
            await self._session.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """One request, to one dyno."""
        dyno = None
        try:
            dyno = await self._dyno()
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request, dyno)
            return await self._http(request, dyno)
        except RouterError as error:
            code = str(error)
        except aiohttp.ClientConnectorError:
            code = "H21"
        except asyncio.TimeoutError:
            code = "H12"
        except (aiohttp.ClientError, ConnectionError):
            code = "H13"
        return self._failed(request, dyno, code)

    async def _dyno(self) -> Dyno:
        """A web dyno that is up; while one starts, wait for it."""
        end = time.monotonic() + BOOT_WITHIN_S
        while True:
            dynos = [dyno for dyno in self._space.dynos.values() if dyno.process_type == "web"]
            up = [dyno for dyno in dynos if dyno.state == "up"]
            if up:
                return random.choice(up)
            if not any(dyno.state == "starting" for dyno in dynos):
                raise RouterError("H10" if dynos else "H14")
            if time.monotonic() > end:
                raise RouterError("H20")
            await asyncio.sleep(0.1)

    async def _http(self, request: web.Request, dyno: Dyno) -> web.StreamResponse:
        assert self._session
        body = request.content if request.body_exists else None
        call = self._session.request(
            request.method, _url(request, dyno), headers=self._headers(request), data=body, allow_redirects=False
        )
        answer = await asyncio.wait_for(call, FIRST_BYTE_WITHIN_S)
        async with answer:
            reply = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_kept(answer.headers))
            await reply.prepare(request)
            async for chunk in answer.content.iter_any():
                await reply.write(chunk)
            await reply.write_eof()
            return reply

    async def _websocket(self, request: web.Request, dyno: Dyno) -> web.StreamResponse:
        assert self._session
        wanted = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [each.strip() for each in wanted.split(",") if each.strip()]
        headers = self._headers(request)
        headers.popall("Sec-WebSocket-Protocol", None)
        try:
            inner = await self._session.ws_connect(
                _url(request, dyno), headers=headers, protocols=protocols, max_msg_size=0, autoping=False
            )
        except aiohttp.WSServerHandshakeError as error:  # a 401, for one
            return web.Response(status=error.status, headers=_kept(error.headers or CIMultiDict()))
        outer = web.WebSocketResponse(
            protocols=[inner.protocol] if inner.protocol else [], max_msg_size=0, autoping=False
        )
        await outer.prepare(request)
        ways = [asyncio.ensure_future(_pump(outer, inner)), asyncio.ensure_future(_pump(inner, outer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await inner.close()
            await outer.close()
        return outer

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        """The request's headers, and those that the router adds."""
        headers = _kept(request.headers)
        scheme, peer = ("https" if self._tls else "http"), request.remote or "127.0.0.1"
        forwarded = [*request.headers.getall("X-Forwarded-For", []), peer]
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Request-Start"):
            headers.popall(name, None)
        headers["X-Forwarded-For"] = ", ".join(forwarded)
        headers["X-Forwarded-Proto"] = scheme
        headers["X-Forwarded-Port"] = str(
            (request.transport and request.transport.get_extra_info("sockname") or ("", 0))[1]
        )
        headers["X-Request-Start"] = str(int(time.time() * 1000))
        headers.setdefault("X-Request-Id", str(uuid.uuid4()))
        headers["Via"] = "1.1 vegur"
        return headers

    def _failed(self, request: web.Request, dyno: Dyno | None, code: str) -> web.Response:
        status, words = ERRORS[code]
        where = dyno.name if dyno else ""
        text = f'at=error code={code} desc="{words}" method={request.method} dyno={where} status={status}'
        self._space.ground.log.add("heroku", "router", text)
        return web.Response(status=status, text=f"Application error: {words} ({code}). See: bin/sparkspace logs\n")


def _url(request: web.Request, dyno: Dyno) -> URL:
    """The dyno's URL for a request, whose path stays as it came, letter by letter."""
    return URL(f"http://{dyno.address}:{PORT}{request.raw_path}", encoded=True)


def _kept(headers: Any) -> CIMultiDict[str]:  # noqa: ANN401  # aiohttp has three types for it
    kept = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


async def _pump(source: Any, target: Any) -> None:  # noqa: ANN401  # a WebSocket of the client's or the server's kind
    """Copy messages from one WebSocket to the other until it closes, or is idle for too long."""
    while True:
        message = await source.receive(timeout=IDLE_S)
        if message.type == aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type == aiohttp.WSMsgType.PING:
            await target.ping(message.data)
        elif message.type == aiohttp.WSMsgType.PONG:
            await target.pong(message.data)
        else:
            return
