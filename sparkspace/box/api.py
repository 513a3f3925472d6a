"""The box's HTTP API: the paths, JSON, headers and errors of Heroku's Platform API v3, for what the box has.

Source: the published schema (github.com/heroku/heroku-go, v6/schema.json) and
devcenter.heroku.com/articles/platform-api-reference.
"""

from __future__ import annotations

import hmac
import re
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ..errors import BoxError, ConfigError, UsageError
from . import schema
from .attachment import Attachment
from .dyno import Dyno
from .logs import Line, Wanted
from .space import Space

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLS, REFILL_PER_S = 4500, 75 / 60  # devcenter.heroku.com/articles/platform-api-reference#rate-limits
MOST_DYNOS = 100  # of a process type: a slip of the finger must not start ten thousand
FREE = ("/account/rate-limits",)
OPEN = ("/attach/", "/logs/")  # their paths hold a secret of their own, as Heroku's have


class Refusal(Exception):
    """An error of the Platform API: ``{"id": …, "message": …}`` with an HTTP status."""

    def __init__(self, status: int, id: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.id = id
        self.message = message


class Bucket:
    """The calls that are left, refilled steadily."""

    def __init__(self) -> None:
        self.left = float(CALLS)
        self._at = time.monotonic()

    def take(self, calls: int) -> bool:
        """Take ``calls`` of them; False when there are none."""
        now = time.monotonic()
        self.left = min(CALLS, self.left + (now - self._at) * REFILL_PER_S)
        self._at = now
        if self.left < calls:
            return False
        self.left -= calls
        return True


class Api:
    """The handlers, over one space."""

    def __init__(self, space: Space, token: str, url: str) -> None:
        self.space = space
        self.url = url
        self._token = token
        self._bucket = Bucket()
        self._log_sessions: dict[str, dict[str, Any]] = {}

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._middleware()], client_max_size=1 << 20)
        a = "/apps/{app}"
        app.add_routes(
            [
                web.get("/account", self.account),
                web.get("/account/rate-limits", self.rate_limits),
                web.get("/apps", self.apps),
                web.get(a, self.app),
                web.get(f"{a}/dynos", self.dynos),
                web.post(f"{a}/dynos", self.run),
                web.delete(f"{a}/dynos", self.restart_all),
                web.get(a + "/dynos/{dyno}", self.dyno),
                web.post(a + "/dynos/{dyno}", self.run_inside),
                web.delete(a + "/dynos/{dyno}", self.restart),
                web.post(a + "/dynos/{dyno}/actions/stop", self.stop),
                web.delete(a + "/formations/{type}", self.restart_type),
                web.post(a + "/formations/{type}/actions/stop", self.stop_type),
                web.get(f"{a}/formation", self.formation),
                web.patch(f"{a}/formation", self.scale),
                web.get(a + "/formation/{type}", self.formation_one),
                web.patch(a + "/formation/{type}", self.scale_one),
                web.get(f"{a}/config-vars", self.config_vars),
                web.patch(f"{a}/config-vars", self.configure),
                web.get(f"{a}/releases", self.releases),
                web.get(a + "/releases/{release}", self.release),
                web.post(f"{a}/log-sessions", self.log_session),
                web.get(f"{a}/available-dyno-sizes", self.sizes),
                web.get("/spaces/{space}/topology", self.topology),
                web.get("/logs/{key}", self.logs),
                web.get("/attach/{key}", self.attach),
            ]
        )
        return app

    def _middleware(self) -> Any:  # noqa: ANN401  # aiohttp's own type for it is Any too
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            request_id = str(uuid.uuid4())
            try:
                self._admit(request)
                reply = await handler(request)
            except Refusal as refusal:
                reply = _error(refusal.status, refusal.id, refusal.message)
            except (UsageError, ConfigError) as error:
                reply = _error(422, "invalid_params", " ".join(error.lines()))
            except BoxError as error:
                reply = _error(503, "unavailable", " ".join(error.lines()))
            except web.HTTPException as error:
                reply = _error(error.status, *_words(error))
            except ConnectionError:
                raise  # the client has gone: nothing to say, and nobody to say it to
            except Exception:
                traceback.print_exc(file=sys.stderr)
                reply = _error(
                    500, "internal_server_error", f"The box has a fault; its log names request {request_id}."
                )
            if not reply.prepared:
                reply.headers.update({"Request-Id": request_id, "RateLimit-Remaining": str(int(self._bucket.left))})
            return reply

        return guard

    def _admit(self, request: web.Request) -> None:
        if request.path.startswith(OPEN):
            return
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise Refusal(401, "unauthorized", "Invalid credentials provided.")
        if not self._bucket.take(0 if request.path in FREE else 1):
            raise Refusal(429, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes.")
        if request.match_info.get("app", self.space.ground.app) not in (
            self.space.ground.app,
            schema.app_id(self.space),
        ):
            raise Refusal(404, "not_found", "Couldn't find that app.")

    # The account and the app

    async def account(self, request: web.Request) -> web.Response:
        """GET /account."""
        return web.json_response(schema.account())

    async def rate_limits(self, request: web.Request) -> web.Response:
        """GET /account/rate-limits."""
        self._bucket.take(0)
        return web.json_response({"remaining": int(self._bucket.left)})

    async def apps(self, request: web.Request) -> web.Response:
        """GET /apps."""
        return web.json_response([schema.app(self.space)])

    async def app(self, request: web.Request) -> web.Response:
        """GET /apps/{app}."""
        return web.json_response(schema.app(self.space))

    async def sizes(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/available-dyno-sizes."""
        return web.json_response(schema.sizes())

    async def topology(self, request: web.Request) -> web.Response:
        """GET /spaces/{space}/topology."""
        return web.json_response(schema.topology(self.space))

    # Dynos

    async def dynos(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/dynos."""
        return web.json_response([schema.dyno(self.space, dyno) for dyno in self.space.dynos.values()])

    async def dyno(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/dynos/{dyno}."""
        return web.json_response(schema.dyno(self.space, self._dyno(request)))

    async def run(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos: a one-off dyno."""
        wish = await _body(request)
        attachment = _attachment(wish) if wish.get("attach") else None
        size = str(wish["size"]) if wish.get("size") else None
        dyno, key = await self.space.run(_command(wish), size, _strings(wish, "env"), attachment)
        return web.json_response(schema.dyno(self.space, dyno, self._attach_url(key)), status=201)

    async def run_inside(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos/{dyno}: a command inside a running dyno."""
        dyno, wish = self._dyno(request), await _body(request)
        key = await self.space.run_inside(dyno, _command(wish), _strings(wish, "env"), _attachment(wish))
        return web.json_response(schema.dyno(self.space, dyno, self._attach_url(key)), status=201)

    def _attach_url(self, key: str) -> str | None:
        return f"{self.url}/attach/{key}" if key else None

    async def attach(self, request: web.Request) -> web.StreamResponse:
        """GET /attach/{key}: the standard streams of a command, as a WebSocket."""
        attachment, command = self.space.attachments.pop(request.match_info["key"], (None, None))
        if not attachment or not command:
            raise Refusal(404, "not_found", "There is nothing to attach to: it was claimed, or never there.")
        socket = web.WebSocketResponse(protocols=["v5.channel.k8s.io"])
        await socket.prepare(request)
        await attachment.carry(socket, command)
        await socket.close()
        return socket

    async def restart_all(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/dynos."""
        self.space.restart(
            [name for name, dyno in self.space.dynos.items() if dyno.process_type in self.space.formation]
        )
        return web.json_response({}, status=202)

    async def restart(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/dynos/{dyno}; Heroku takes a process type here too."""
        self.space.restart(self._names(request.match_info["dyno"]))
        return web.json_response({}, status=202)

    async def restart_type(self, request: web.Request) -> web.Response:
        """DELETE /apps/{app}/formations/{type}."""
        self.space.restart(self._names(request.match_info["type"]))
        return web.json_response({}, status=202)

    async def stop(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/dynos/{dyno}/actions/stop."""
        await self.space.stop(self._names(request.match_info["dyno"]))
        return web.json_response({}, status=202)

    async def stop_type(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/formations/{type}/actions/stop."""
        await self.space.stop(self._names(request.match_info["type"]))
        return web.json_response({}, status=202)

    def _dyno(self, request: web.Request) -> Dyno:
        try:
            return self.space.find(request.match_info["dyno"])
        except KeyError:
            raise Refusal(404, "not_found", "Couldn't find that dyno.") from None

    def _names(self, dyno_or_type: str) -> list[str]:
        names = [name for name, dyno in self.space.dynos.items() if dyno_or_type in (name, dyno.id, dyno.process_type)]
        if not names and dyno_or_type not in self.space.formation:
            raise Refusal(404, "not_found", f"Couldn't find the dyno or process type {dyno_or_type!r}.")
        return names

    # The formation

    async def formation(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/formation."""
        return web.json_response([schema.formation(self.space, line) for line in self.space.formation.values()])

    async def formation_one(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/formation/{type}."""
        return web.json_response(schema.formation(self.space, self._process(request.match_info["type"])))

    async def scale(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/formation."""
        updates = (await _body(request)).get("updates")
        if not isinstance(updates, list) or not all(isinstance(update, dict) for update in updates):
            raise Refusal(422, "invalid_params", "updates must be a list of objects.")
        changed = self.space.scale([self._update(str(update.get("type", "")), update) for update in updates])
        return web.json_response([schema.formation(self.space, line) for line in changed])

    async def scale_one(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/formation/{type}."""
        (line,) = self.space.scale([self._update(request.match_info["type"], await _body(request))])
        return web.json_response(schema.formation(self.space, line))

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
            raise Refusal(422, "invalid_params", f"{text!r} is not a quantity of dynos.")
        relative = isinstance(wanted, str) and text[0] in "+-"
        quantity = int(text) + (self._process(type).quantity if relative else 0)
        if quantity > MOST_DYNOS:
            raise Refusal(422, "invalid_params", f"A box has at most {MOST_DYNOS} dynos of a process type.")
        return quantity

    def _process(self, type: str) -> Any:  # noqa: ANN401
        if type not in self.space.formation:
            raise Refusal(404, "not_found", f"Couldn't find that process type ({type}).")
        return self.space.formation[type]

    # Config vars and releases

    async def config_vars(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/config-vars."""
        return web.json_response(self.space.config)

    async def configure(self, request: web.Request) -> web.Response:
        """PATCH /apps/{app}/config-vars: null removes."""
        changes = await _body(request)
        if not all(value is None or isinstance(value, str) for value in changes.values()):
            raise Refusal(422, "invalid_params", "Config vars are strings, or null to remove one.")
        await self.space.configure(changes)
        return web.json_response(self.space.config)

    async def releases(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/releases, with ``Range: version ..; order=desc, max=10``."""
        wish = request.headers.get("Range", "")
        releases = [schema.release(self.space, release) for release in self.space.releases]
        if "order=desc" in wish:
            releases.reverse()
        most = wish.partition("max=")[2].partition(",")[0].strip()
        return web.json_response(releases[: int(most)] if most.isdigit() else releases)

    async def release(self, request: web.Request) -> web.Response:
        """GET /apps/{app}/releases/{id or version}."""
        wanted = request.match_info["release"].lstrip("v")
        for release in self.space.releases:
            found = schema.release(self.space, release)
            if wanted in (found["id"], str(release.version)):
                return web.json_response(found)
        raise Refusal(404, "not_found", "Couldn't find that release.")

    # Logs

    async def log_session(self, request: web.Request) -> web.Response:
        """POST /apps/{app}/log-sessions: a URL to stream from, once."""
        wish = await _body(request)
        key = str(uuid.uuid4())
        self._log_sessions[key] = wish
        return web.json_response(schema.log_session(key, f"{self.url}/logs/{key}"), status=201)

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """GET /logs/{key}: lines as text; with ``tail``, until the client or the box goes."""
        wish = self._log_sessions.pop(request.match_info["key"], None)
        if wish is None:
            raise Refusal(404, "not_found", "There is no such log session; it can be used once.")
        count = wish.get("lines", 100)
        if not isinstance(count, int) or count < 0:
            raise Refusal(422, "invalid_params", "lines must be a whole number.")
        # The heroku command reads an event stream, curl and people read plain lines.
        events = "text/event-stream" in request.headers.get("Accept", "")
        kind = "text/event-stream" if events else "text/plain"
        reply = web.StreamResponse(headers={"Content-Type": f"{kind}; charset=utf-8"})
        await reply.prepare(request)
        log, wanted = self.space.ground.log, wanted_by(wish)
        if wish.get("tail"):
            async for line in log.follow(count, wanted):
                await reply.write(_sent(line, events))
        else:
            for line in log.last(count, wanted):
                await reply.write(_sent(line, events))
        await reply.write_eof()
        return reply


def wanted_by(wish: dict[str, Any]) -> Wanted:
    """Which lines a log session wants: ``source`` (app, heroku) and ``dyno`` (a name, or a process type)."""

    def wanted(line: Line) -> bool:
        source, dyno = wish.get("source"), wish.get("dyno") or wish.get("type")
        return (not source or line.source == source) and (not dyno or dyno in (line.dyno, line.dyno.partition(".")[0]))

    return wanted


def _sent(line: Line, as_event: bool) -> bytes:
    # In an event stream a carriage return would end the event.
    return f"data: {line}\n\n".replace("\r", " ").encode() if as_event else f"{line}\n".encode()


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json() if request.can_read_body else {}
    except (ValueError, UnicodeDecodeError):
        raise Refusal(400, "bad_request", "The request body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "bad_request", "The request body is not a JSON object.")
    return body


def _command(wish: dict[str, Any]) -> str:
    command = wish.get("command")
    if not isinstance(command, str) or not command.strip() or "\x00" in command:
        raise Refusal(422, "invalid_params", "command must be a text that is not empty.")
    return command


def _strings(wish: dict[str, Any], name: str) -> dict[str, str]:
    found = wish.get(name) or {}
    if not isinstance(found, dict) or not all(isinstance(value, (str, int)) for value in found.values()):
        raise Refusal(422, "invalid_params", f"{name} must be an object of strings.")
    return {str(key): str(value) for key, value in found.items()}


def _attachment(wish: dict[str, Any]) -> Attachment:
    env = _strings(wish, "env")
    columns, lines = (re.sub(r"\D", "", env.get(name, ""), flags=re.ASCII)[:5] for name in ("COLUMNS", "LINES"))
    return Attachment(
        tty=not wish.get("force_no_tty"),
        columns=int(columns or 80),
        lines=int(lines or 24),
    )


def _error(status: int, id: str, message: str) -> web.Response:
    return web.json_response({"id": id, "message": message}, status=status)


def _words(error: web.HTTPException) -> tuple[str, str]:
    known = {404: ("not_found", "The requested API endpoint was not found. Are you using the right HTTP verb?")}
    return known.get(error.status, ("bad_request" if error.status < 500 else "internal_server_error", error.reason))
