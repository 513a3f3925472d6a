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
# aiohttp would add these of its own.
ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# Of one connection, not of the request: RFC 9110, 7.6.1.
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
    "H18": (503, "Server Request Interrupted"),
    "H21": (503, "Backend connection refused"),
    "H27": (499, "Client Request Interrupted"),
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
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        await web.SockSite(runner, sock, ssl_context=self._tls).start()
        return runner

    async def _close(self, app: web.Application) -> None:
        if self._session:
            await self._session.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """One request, to one dyno."""
        dyno = None
        if not request.raw_path.startswith("/"):
            return web.Response(status=400, text="The request's target must be a path.\n")
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
            try:
                await self._copy(answer, reply)
            except (
                aiohttp.ClientError,
                asyncio.TimeoutError,
            ) as error:  # the head is out: there is no other way to say it
                self._say(request, dyno, "H18" if not isinstance(error, ConnectionError) else "H27", answer.status)
                if request.transport:
                    request.transport.abort()
            return reply

    async def _copy(self, answer: aiohttp.ClientResponse, reply: web.StreamResponse) -> None:
        async for chunk in answer.content.iter_any():
            await reply.write(chunk)
        await reply.write_eof()

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
        except aiohttp.WSServerHandshakeError as error:  # a 401, for one; aiohttp has thrown its body away
            kept = _kept(error.headers or CIMultiDict())
            for name in ("Content-Length", "Content-Encoding"):
                kept.popall(name, None)
            return web.Response(status=error.status, headers=kept)
        outer = web.WebSocketResponse(
            protocols=[inner.protocol] if inner.protocol else [], max_msg_size=0, autoping=False
        )
        await outer.prepare(request)
        active = [time.monotonic()]
        ways = [asyncio.ensure_future(_pump(a, b, active)) for a, b in ((outer, inner), (inner, outer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
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

    def _say(self, request: web.Request, dyno: Dyno | None, code: str, status: int) -> None:
        where, words = (dyno.name if dyno else ""), ERRORS[code][1]
        text = f'at=error code={code} desc="{words}" method={request.method} dyno={where} status={status}'
        self._space.ground.log.add("heroku", "router", text)

    def _failed(self, request: web.Request, dyno: Dyno | None, code: str) -> web.Response:
        status, words = ERRORS[code]
        self._say(request, dyno, code, status)
        return web.Response(status=status, text=f"Application error: {words} ({code}). See: bin/sparkspace logs\n")


def _url(request: web.Request, dyno: Dyno) -> URL:
    """The dyno's URL for a request, whose path stays as it came, letter by letter."""
    return URL(f"http://{dyno.address}:{PORT}{request.raw_path}", encoded=True)


def _kept(headers: Any) -> CIMultiDict[str]:  # noqa: ANN401  # aiohttp has three types for it
    kept = CIMultiDict(headers)
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


async def _pump(source: Any, target: Any, active: list[float]) -> None:  # noqa: ANN401  # a client's or server's WebSocket
    """Copy messages from one WebSocket to the other until it closes, or both ways are idle for too long."""
    while True:
        try:
            message = await source.receive(timeout=IDLE_S)
        except asyncio.TimeoutError:
            if time.monotonic() - active[0] >= IDLE_S:
                return
            continue
        active[0] = time.monotonic()
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
