"""Log sessions: a URL, which streams the log once."""

from __future__ import annotations

import uuid

from aiohttp import web

from .. import schema
from ..logs import Line, Wanted
from ..space import Space
from . import wish
from .refusal import invalid, not_found

USUAL_LINES = 100


class Logs:
    """Handlers. ``url`` is the API's base."""

    def __init__(self, space: Space, url: str) -> None:
        self._space = space
        self._url = url
        self._sessions: dict[str, wish.Wish] = {}

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [web.post("/apps/{app}/log-sessions", self.create), web.get("/logs/{key}", self.stream)]

    async def create(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/log-sessions: a URL to stream from, once."""
        body = await wish.read(request)
        lines_of(body)
        key = str(uuid.uuid4())
        self._sessions[key] = body
        return web.json_response(schema.log_session(key, f"{self._url}/logs/{key}"), status=201)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /logs/{key}: lines as text; with ``tail``, until the client or the box goes."""
        body = self._sessions.pop(request.match_info["key"], None)
        if body is None:
            raise not_found("such a log session; it can be used once")
        # The heroku command reads an event stream, curl and people read plain lines.
        events = "text/event-stream" in request.headers.get("Accept", "")
        kind = "text/event-stream" if events else "text/plain"
        reply = web.StreamResponse(headers={"Content-Type": f"{kind}; charset=utf-8"})
        await reply.prepare(request)
        log, count, wanted = self._space.ground.log, lines_of(body), wanted_by(body)
        if body.get("tail"):
            async for line in log.follow(count, wanted):
                await reply.write(_sent(line, events))
        else:
            for line in log.last(count, wanted):
                await reply.write(_sent(line, events))
        await reply.write_eof()
        return reply


def lines_of(body: wish.Wish) -> int:
    """How many lines of the past a log session wants.

    Raises:
        Refusal: that is no number of lines.
    """
    count = body.get("lines")
    if count is None:
        return USUAL_LINES
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise invalid("lines must be a whole number.")
    return count


def wanted_by(body: wish.Wish) -> Wanted:
    """Which lines a log session wants: ``source`` (app, heroku) and ``dyno`` (a name, or a process type)."""

    def wanted(line: Line) -> bool:
        source, dyno = body.get("source"), body.get("dyno") or body.get("type")
        return (not source or line.source == source) and (not dyno or dyno in (line.dyno, line.dyno.partition(".")[0]))

    return wanted


def _sent(line: Line, as_event: bool) -> bytes:
    # In an event stream a carriage return would end the event.
    return f"data: {line}\n\n".replace("\r", " ").encode() if as_event else f"{line}\n".encode()
