"""Dynos: what runs, one-off dynos, commands inside, restarts and stops."""

from __future__ import annotations

from aiohttp import web

from .. import schema
from ..attachment import Socket
from ..dyno import Dyno
from ..space import Space
from . import page, wish
from .refusal import not_found


class Dynos:
    """Handlers. ``rendezvous`` is where attached commands are fetched, without the key."""

    def __init__(self, space: Space, rendezvous: str) -> None:
        self._space = space
        self._rendezvous = rendezvous

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/apps/{app}/dynos", self.all),
            web.post("/apps/{app}/dynos", self.run),
            web.delete("/apps/{app}/dynos", self.restart_all),
            web.get("/apps/{app}/dynos/{dyno}", self.info),
            web.post("/apps/{app}/dynos/{dyno}", self.run_inside),
            web.delete("/apps/{app}/dynos/{dyno}", self.restart),
            web.post("/apps/{app}/dynos/{dyno}/actions/stop", self.stop),
            web.delete("/apps/{app}/formations/{type}", self.restart_type),
            web.post("/apps/{app}/formations/{type}/actions/stop", self.stop_type),
            web.get("/attach/{key}", self.attach),
        ]

    async def all(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/dynos."""
        return page.answer(request, [schema.dyno(self._space, dyno) for dyno in self._space.dynos.values()])

    async def info(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/dynos/{dyno}."""
        return web.json_response(schema.dyno(self._space, self._dyno(request)))

    async def run(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos: a one-off dyno."""
        body = await wish.read(request)
        command, env = wish.command(body), wish.env(body)
        size = str(body["size"]) if body.get("size") else None
        attachment = wish.attachment(body) if body.get("attach") else None
        dyno, key = await self._space.run(command, size, env, attachment)
        return web.json_response(schema.dyno(self._space, dyno, self._attach_url(key)), status=201)

    async def run_inside(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos/{dyno}: a command inside a running dyno."""
        dyno, body = self._dyno(request), await wish.read(request)
        command, env = wish.command(body), wish.env(body)
        key = await self._space.run_inside(dyno, command, env, wish.attachment(body))
        return web.json_response(schema.dyno(self._space, dyno, self._attach_url(key)), status=201)

    def _attach_url(self, key: str) -> str | None:
        return f"{self._rendezvous}/{key}" if key else None

    async def attach(self, request: web.Request) -> web.StreamResponse:
        """GET /attach/{key}: the standard streams of a command by WebSocket, with the key of its ``attach_url``."""
        if "Upgrade" not in request.headers or request.match_info["key"] not in self._space.attachments:
            raise not_found("anything to attach to: it was claimed, or never there")
        socket = web.WebSocketResponse(protocols=["v5.channel.k8s.io"])
        await socket.prepare(request)
        attachment, command = self._space.attachments.pop(request.match_info["key"], (None, None))
        if attachment and command:
            await attachment.carry(Socket(socket), command)
        await socket.close()
        return socket

    async def restart_all(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/dynos."""
        space = self._space
        space.restart([name for name, dyno in space.dynos.items() if dyno.process_type in space.formation])
        return web.json_response({}, status=202)

    async def restart(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/dynos/{dyno}; Heroku takes a process type here too."""
        self._space.restart(self._names(request.match_info["dyno"]))
        return web.json_response({}, status=202)

    async def restart_type(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/formations/{type}."""
        self._space.restart(self._names(request.match_info["type"]))
        return web.json_response({}, status=202)

    async def stop(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos/{dyno}/actions/stop."""
        await self._space.stop(self._names(request.match_info["dyno"]))
        return web.json_response({}, status=202)

    async def stop_type(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/formations/{type}/actions/stop."""
        await self._space.stop(self._names(request.match_info["type"]))
        return web.json_response({}, status=202)

    def _dyno(self, request: web.Request) -> Dyno:
        try:
            return self._space.find(request.match_info["dyno"])
        except KeyError:
            raise not_found("that dyno") from None

    def _names(self, wanted: str) -> list[str]:
        """The dynos of this name, id or process type."""
        dynos = self._space.dynos.items()
        names = [name for name, dyno in dynos if wanted in (name, dyno.id, dyno.process_type)]
        if not names and wanted not in self._space.formation:
            raise not_found(f"the dyno or process type {wanted!r}")
        return names
