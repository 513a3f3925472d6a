"""The JSON body of a call: what its caller wishes for."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from ..attachment import Attachment
from .refusal import Refusal, invalid

Wish = dict[str, Any]


async def read(request: web.Request) -> Wish:
    """The body, or nothing if there is none.

    Raises:
        Refusal: it is no JSON object, or holds what can't be written as UTF-8.
    """
    try:
        body = await request.json() if request.can_read_body else {}
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, LookupError, RecursionError):  # LookupError: a charset that nobody knows
        raise Refusal(400, "bad_request", "The request body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "bad_request", "The request body is not a JSON object.")
    return body


def command(wish: Wish) -> str:
    """The command to run.

    Raises:
        Refusal: it is no text, or empty.
    """
    found = wish.get("command")
    if not isinstance(found, str) or not found.strip() or "\x00" in found:
        raise invalid("command must be a text that is not empty.")
    return found


def env(wish: Wish) -> dict[str, str]:
    """Environment variables besides the config vars. The heroku command sends the terminal's size as numbers.

    Raises:
        Refusal: a name or value can't be one.
    """
    found = wish.get("env") or {}
    if not isinstance(found, dict) or not all(isinstance(value, (str, int)) for value in found.values()):
        raise invalid("env must be an object of strings.")
    made = {name: str(value) for name, value in found.items()}
    if any(not name or "=" in name or "\x00" in name + value for name, value in made.items()):
        raise invalid("A name in env is empty or has a =, or there is a NUL character.")
    return made


def attachment(wish: Wish) -> Attachment:
    """The streams of an attached command. ``apart`` is the box's own: stdout and stderr are not one stream."""
    size = env(wish)
    columns, lines = (re.sub(r"\D", "", size.get(name, ""), flags=re.ASCII)[:5] for name in ("COLUMNS", "LINES"))
    return Attachment(
        tty=not wish.get("force_no_tty"),
        columns=int(columns or 80),
        lines=int(lines or 24),
        apart=bool(wish.get("apart")),
    )
