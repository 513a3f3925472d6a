"""The account, the one app, the space it is in, and what a box has none of."""

from __future__ import annotations

from aiohttp import web

from .. import schema
from ..space import Space
from . import page
from .guard import Bucket


class Apps:
    """Handlers."""

    def __init__(self, space: Space, bucket: Bucket) -> None:
        self._space = space
        self._bucket = bucket

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/account", self.account),
            web.get("/account/rate-limits", self.rate_limits),
            web.get("/apps", self.all),
            web.get("/apps/{app}", self.info),
            web.get("/apps/{app}/available-dyno-sizes", self.sizes),
            web.get("/apps/{app}/addons", self.addons),
            web.get("/apps/{app}/collaborators", self.collaborators),
            web.get("/spaces/{space}/topology", self.topology),
        ]

    async def account(self, request: web.Request) -> web.Response:
        """GET /account."""
        return web.json_response(schema.account(self._space))

    async def rate_limits(self, request: web.Request) -> web.Response:
        """GET /account/rate-limits."""
        self._bucket.take(0)
        return web.json_response({"remaining": int(self._bucket.left)})

    async def all(self, request: web.Request) -> web.Response:
        """GET /apps."""
        return page.answer(request, [schema.app(self._space)])

    async def info(self, request: web.Request) -> web.Response:
        """GET /apps/{app}."""
        return web.json_response(schema.app(self._space))

    async def sizes(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/available-dyno-sizes."""
        return page.answer(request, schema.sizes())

    async def addons(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/addons: none, but ``heroku apps:info`` fails without a list."""
        return page.answer(request, [])

    async def collaborators(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/collaborators: the owner."""
        return page.answer(request, [schema.collaborator(self._space)])

    async def topology(self, request: web.Request) -> web.Response:
        """GET /spaces/{space}/topology."""
        return web.json_response(schema.topology(self._space))
