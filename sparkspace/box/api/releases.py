"""Config vars, and the releases that come of changing them."""

from __future__ import annotations

from aiohttp import web

from .. import schema
from ..space import Space
from . import page, wish
from .refusal import invalid, not_found


class Releases:
    """Handlers."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/apps/{app}/config-vars", self.config_vars),
            web.patch("/apps/{app}/config-vars", self.configure),
            web.get("/apps/{app}/releases", self.all),
            web.get("/apps/{app}/releases/{release}", self.info),
        ]

    async def config_vars(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/config-vars."""
        return web.json_response(self._space.config)

    async def configure(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/config-vars: null removes."""
        changes = await wish.read(request)
        if not all(value is None or isinstance(value, str) for value in changes.values()):
            raise invalid("Config vars are strings, or null to remove one.")
        await self._space.configure(changes)
        return web.json_response(self._space.config)

    async def all(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/releases."""
        return page.answer(request, [schema.release(self._space, release) for release in self._space.releases])

    async def info(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/releases/{id or version}."""
        wanted = request.match_info["release"].removeprefix("v")
        for release in self._space.releases:
            found = schema.release(self._space, release)
            if wanted in (found["id"], str(release.version)):
                return web.json_response(found)
        raise not_found("that release")
