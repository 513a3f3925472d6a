"""Who may call, how often, and what they hear when it goes wrong: always Heroku's error JSON."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import sys
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from ...errors import BoxError, ConfigError, UsageError
from .. import schema
from ..space import Space
from .refusal import Refusal, not_found

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLS, REFILL_PER_S = 4500, 75 / 60  # devcenter.heroku.com/articles/platform-api-reference#rate-limits
FREE = ("/account/rate-limits",)
OPEN = ("/attach/", "/logs/")  # their paths hold a secret of their own, as Heroku's have
NOWHERE = (404, 405)  # Heroku does not tell a path that is not there from a verb that is not


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


class Guard:
    """Stands before every handler."""

    def __init__(self, space: Space, token: str) -> None:
        self.bucket = Bucket()
        self._space = space
        self._token = token

    def middleware(self) -> Any:  # noqa: ANN401  # aiohttp's own type for it is Any too
        """The guard as aiohttp wants it."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            request_id = str(uuid.uuid4())
            reply = await self._answer(request, handler, request_id)
            if not reply.prepared:
                reply.headers.update({"Request-Id": request_id, "RateLimit-Remaining": str(int(self.bucket.left))})
            return reply

        return guard

    async def _answer(self, request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
        try:
            self._admit(request)
            return await handler(request)
        except Refusal as refusal:
            return _error(refusal.status, refusal.id, refusal.message)
        except (UsageError, ConfigError) as error:
            return _error(422, "invalid_params", " ".join(error.lines()))
        except BoxError as error:
            return _error(503, "unavailable", " ".join(error.lines()))
        except web.HTTPException as error:
            return _error(*_words(error))
        except ConnectionError:
            raise  # the client has gone: nothing to say, and nobody to say it to
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return _error(500, "internal_server_error", f"The box has a fault; its log names request {request_id}.")

    def _admit(self, request: web.Request) -> None:
        if request.path.startswith(OPEN):
            return
        if not hmac.compare_digest(_token(request.headers.get("Authorization", "")), self._token.encode()):
            raise Refusal(401, "unauthorized", "Invalid credentials provided.")
        if not self.bucket.take(0 if request.path in FREE else 1):
            raise Refusal(429, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes.")
        app = self._space.ground.app
        if request.match_info.get("app", app) not in (app, schema.app_id(self._space)):
            raise not_found("that app")


def _token(authorization: str) -> bytes:
    """The token of a call: a bearer's, or a password of whatever user (heroku3 does it so); empty if there is none."""
    scheme, _, given = authorization.partition(" ")
    if scheme == "Bearer":
        return given.encode("utf-8", "surrogateescape")
    with contextlib.suppress(binascii.Error, ValueError):
        if scheme == "Basic":
            return base64.b64decode(given, validate=True).partition(b":")[2]
    return b""


def _error(status: int, id: str, message: str) -> web.Response:
    return web.json_response({"id": id, "message": message}, status=status)


def _words(error: web.HTTPException) -> tuple[int, str, str]:
    if error.status in NOWHERE:
        return 404, "not_found", "The requested API endpoint was not found. Are you using the right HTTP verb?"
    return error.status, "bad_request" if error.status < 500 else "internal_server_error", error.reason
