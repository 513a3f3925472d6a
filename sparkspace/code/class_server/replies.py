"""What a class server reads of a request, and the forms of its answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from aiohttp import web

from . import manifest

BODY_WITHIN_S = 60.0


class Refusal(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, **facts: object) -> None:
        super().__init__(status)
        self.status = status
        self.facts = facts

    def reply(self) -> web.Response:
        """The answer itself."""
        return as_json(self.facts, self.status) if self.facts else web.Response(status=self.status)


NOWHERE = Refusal(404)


def steps_of(path: str) -> list[str]:
    """The steps of a path, decoded once.

    Raises:
        Refusal: it is no plain path.
    """
    found = []
    for step in path.split("/")[1:]:
        try:
            found.append(unquote_to_bytes(step).decode())
        except UnicodeDecodeError:
            raise NOWHERE from None
    if not path.startswith("/") or any("/" in step for step in found) or not manifest.is_name("/".join(found)):
        raise NOWHERE
    return found


async def body_of(request: web.BaseRequest, sha256: str) -> bytes:
    """The body, which has to be the one that was signed.

    Raises:
        Refusal: it is another, or too long.
    """
    found = bytearray()

    async def read() -> None:
        async for part in request.content.iter_any():
            found.extend(part)
            if len(found) > manifest.LARGEST_BODY:
                raise Refusal(413, error="too-much", message="What was sent is too large.")

    try:
        await asyncio.wait_for(read(), BODY_WITHIN_S)
    except asyncio.TimeoutError:
        raise Refusal(408) from None
    if hashlib.sha256(found).hexdigest() != sha256:
        raise Refusal(401)
    return bytes(found)


def content_of(request: web.BaseRequest, content: bytes | None, tag: str = "") -> web.Response:
    """A file, or the part of it that is wanted, or that it is what the other side has already.

    Raises:
        Refusal: there is no such file.
    """
    if content is None:
        raise NOWHERE
    etag = f'"{tag or hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if etag in known or known == ["*"]:
        return web.Response(status=304, headers=headers)
    part = _part(request, etag, len(content))
    if part is None:
        return web.Response(body=content, headers=headers, content_type="application/octet-stream")
    if part.start >= part.stop:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return web.Response(
        status=206, body=content[part.start : part.stop], headers=headers, content_type="application/octet-stream"
    )


def _part(request: web.BaseRequest, etag: str, size: int) -> range | None:
    """What a Range header asks for; None: all. Several ranges, and what can't be read, are none (RFC 9110, 14.2)."""
    if "Range" not in request.headers or request.headers.get("If-Range", etag) != etag:
        return None
    try:
        wanted = request.http_range
    except ValueError:
        return None
    start, stop, _ = wanted.indices(size)
    return range(wanted.start if (wanted.start or 0) >= size else start, stop)


def as_json(facts: Mapping[str, object], status: int = 200) -> web.Response:
    return web.json_response(facts, status=status)
