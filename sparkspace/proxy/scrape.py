"""One round of asking for measurements: all at once, each within a time and a size, and all of them within one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import aiohttp

from ..cluster.signature import SEAL, Key, Request
from .targets import Target

# Prometheus gives a scrape ten seconds, unless it is told otherwise (scrape_timeout).
ROUND_WITHIN_S = 8.0
ANSWER_WITHIN_S = 3.0
# The master passes most of them on. A hundred workers are three rows of them, of a few milliseconds each.
AT_ONCE = 32
LARGEST_ANSWER = 4 * 1024 * 1024  # a driver has 700 bytes a line, and forty lines for each of its executors


async def ask(targets: Iterable[Target], key: Key | None) -> list[tuple[Target, str | None]]:
    """What each says; None: no answer, a late one, one that is too large, or not its own."""
    wanted = list(targets)
    if not wanted:
        return []
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_WITHIN_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
        room = asyncio.Semaphore(AT_ONCE)
        asking = [asyncio.ensure_future(_ask(session, room, target, key)) for target in wanted]
        _, late = await asyncio.wait(asking, timeout=ROUND_WITHIN_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return [
            (target, None if task.cancelled() else task.result()) for target, task in zip(wanted, asking, strict=True)
        ]


async def _ask(session: aiohttp.ClientSession, room: asyncio.Semaphore, target: Target, key: Key | None) -> str | None:
    try:
        async with room:
            return await asyncio.wait_for(_answer(session, target, key), ANSWER_WITHIN_S)
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
        return None


async def _answer(session: aiohttp.ClientSession, target: Target, key: Key | None) -> str | None:
    sent = key.headers(Request("GET", urlsplit(target.url).path)) if target.sealed and key else {}
    async with session.get(target.url, headers=sent, allow_redirects=False) as reply:
        if reply.status != 200:
            return None
        try:
            await reply.content.readexactly(LARGEST_ANSWER + 1)
            return None
        except asyncio.IncompleteReadError as whole:
            body = whole.partial
        return body.decode("utf-8", "replace") if _is_its_own(target, key, sent, reply, body) else None


def _is_its_own(
    target: Target, key: Key | None, sent: Mapping[str, str], reply: aiohttp.ClientResponse, body: bytes
) -> bool:
    """Whether the answer has the seal that it should have: the address may be a stranger's by now."""
    if not target.sealed:
        return True
    return key is not None and key.is_sealed(sent, reply.status, {SEAL: reply.headers.get(SEAL, "")}, body)
