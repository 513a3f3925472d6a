"""The formation: how many dynos of which size each process type has."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from .. import schema
from ..formation import Process
from ..space import Space
from . import page, wish
from .refusal import invalid, not_found

MOST_DYNOS = 100  # of a process type: a slip of the finger must not start ten thousand


class Formation:
    """Handlers."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/apps/{app}/formation", self.all),
            web.patch("/apps/{app}/formation", self.scale),
            web.get("/apps/{app}/formation/{type}", self.info),
            web.patch("/apps/{app}/formation/{type}", self.scale_one),
        ]

    async def all(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/formation."""
        return page.answer(request, [schema.formation(self._space, line) for line in self._space.formation.values()])

    async def info(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/formation/{type}."""
        return web.json_response(schema.formation(self._space, self._process(request.match_info["type"])))

    async def scale(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/formation."""
        updates = (await wish.read(request)).get("updates")
        if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
            raise invalid("updates must be a list of objects.")
        changed = self._space.scale([self._update(str(update.get("type", "")), update) for update in updates])
        return web.json_response([schema.formation(self._space, line) for line in changed])

    async def scale_one(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/formation/{type}."""
        process = self._process(request.match_info["type"])
        (line,) = self._space.scale([self._update(process.type, await wish.read(request))])
        return web.json_response(schema.formation(self._space, line))

    def _update(self, type: str, update: dict[str, Any]) -> tuple[str, int | None, str | None]:
        size = update.get("dyno_size", update.get("size"))
        if isinstance(size, dict):
            size = size.get("name")
        return type, self._quantity(type, update.get("quantity")), None if size is None else str(size)

    def _quantity(self, type: str, wanted: object) -> int | None:
        """A number, or ``"+1"``, which the heroku command sends as text."""
        text = str(wanted)
        if wanted is None:
            return None
        if isinstance(wanted, bool) or not re.fullmatch(r"[+-]?\d{1,5}", text, re.ASCII):
            raise invalid(f"{text!r} is not a quantity of dynos.")
        relative = isinstance(wanted, str) and text[0] in "+-"
        quantity = int(text) + (self._process(type).quantity if relative else 0)
        if quantity > MOST_DYNOS:
            raise invalid(f"A box has at most {MOST_DYNOS} dynos of a process type.")
        return quantity

    def _process(self, type: str) -> Process:
        if type not in self._space.formation:
            raise not_found(f"that process type ({type})")
        return self._space.formation[type]
