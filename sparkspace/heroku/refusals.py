"""What the Platform API refuses, and what it fails at, as errors that say what to do.

::

    ApiError
    ├── Unanswered           nothing answered in time, or the answer broke off
    ├── BadAnswer            an answer that is not Heroku's
    ├── TokenRefused         401
    ├── PermissionMissing    403
    ├── NotThere             404
    ├── FirGeneration        an app that this can't work with
    └── RateLimited          429

Source of ids and statuses: devcenter.heroku.com/articles/platform-api-reference#error-responses.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ApiError, abridged

NEW_TOKEN = "heroku config:set SPARK_HEROKU_ACCESS_TOKEN=$(heroku authorizations:create --scope write --short) -a {app}"


class Unanswered(ApiError):
    """Nothing answered in time, or the answer broke off. Whether the call was carried out is unknown."""


class BadAnswer(ApiError):
    """An answer that is not one of the Platform API's: a redirect, no JSON, or JSON of another shape."""


class TokenRefused(ApiError):
    """401: the token is wrong, has expired or was revoked."""


class PermissionMissing(ApiError):
    """403: the token is good, but its account, or its scope, may not do this."""


class NotThere(ApiError):
    """404: no such app, dyno or process type, or none that the token's account may see."""


class FirGeneration(ApiError):
    """The app is of the Fir generation, where dynos can't find each other by name."""


class RateLimited(ApiError):
    """429: the account has no calls left."""


@dataclass(frozen=True)
class Call:
    """What an error has to say about the call: the app it was about, and the permission that it takes."""

    app: str
    needs: str = "view"


def refusal(call: Call, status: int, id: str, message: str) -> ApiError:
    """The error for an answer of ``status`` 400 or more with Heroku's ``id`` and ``message``."""
    said = abridged(message, 2000)
    kind, text, cure = _words(call, status, id, said)
    return kind(text, cure, id=id, status=status)


def _words(call: Call, status: int, id: str, said: str) -> tuple[type[ApiError], str, str]:
    if "Fir generation" in said or "Fir-generation" in said or "Cloud Native Buildpacks" in said:
        return FirGeneration, said, "Use an app in a Cedar-generation Private Space: dynos of Fir have no names."
    if status == 401:
        return (
            TokenRefused,
            f"Heroku does not take the token: {said}",
            f"Set a new one: {NEW_TOKEN.format(app=call.app)}",
        )
    if status == 403:
        return PermissionMissing, _forbidden(call, id, said), _permission(call, id)
    if status == 404:
        return NotThere, said, f"Look with the token's own account: heroku ps -a {call.app}"
    if status == 429:
        return RateLimited, f"The token's account has no API calls left: {said}", _LESS
    if status >= 500:
        return ApiError, f"The API has a fault ({status}): {said}", ""
    return ApiError, said, ""


_LESS = "It gets 75 new ones a minute. Find out who uses them up, or give this app a token of an account of its own."


def _forbidden(call: Call, id: str, said: str) -> str:
    if id in ("two_factor", "suspended"):
        return f"Heroku forbids it: {said}"
    return f"The token may not do this; it takes the permission '{call.needs}' on {call.app}: {said}"


def _permission(call: Call, id: str) -> str:
    if id == "two_factor":
        return f"Set a token that asks for no second factor: {NEW_TOKEN.format(app=call.app)}"
    if id == "suspended":
        return "Ask Heroku's support: https://help.heroku.com"
    return (
        f"Give it to the token's account: heroku access:update EMAIL --permissions {call.needs} -a {call.app}\n"
        f"or make a token whose scope allows it: {NEW_TOKEN.format(app=call.app)}"
    )
