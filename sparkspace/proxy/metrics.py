"""``/sparkspace/metrics``: one place for Prometheus, that does not move when dynos do.

All that the cluster measures, Spark's and ours, asked for when somebody asks, and kept for a moment: two servers of
Prometheus, or an impatient one, are no more load than one is.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web

from ..cluster import tally
from .families import CONTENT_TYPE, Families
from .formation import UP, Formation
from .lookout import Lookout, View
from .scrape import ask
from .standing import standing
from .targets import Target, targets

FRESH_FOR_S = 5.0


class Metrics:
    """Measures the cluster that the lookout sees. ``formation``: None: there are no dynos to ask about."""

    def __init__(self, lookout: Lookout, secret: str, formation: Formation | None) -> None:
        self._lookout = lookout
        self._key = tally.key(secret) if secret else None
        self._formation = formation
        self._asking = asyncio.Lock()
        self._text = b""
        self._at = -FRESH_FOR_S

    async def page(self, request: web.Request) -> web.Response:
        """The text. Who comes while others are being asked waits for the same round."""
        async with self._asking:
            if time.monotonic() - self._at >= FRESH_FOR_S:
                self._text = await self._measure()
                self._at = time.monotonic()
        return web.Response(body=self._text, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    async def _measure(self) -> bytes:
        families, view, began = Families(), self._lookout.view, time.monotonic()
        asking = asyncio.ensure_future(ask(targets(view, self._lookout.app), self._key))
        if self._formation:
            await self._formation.measure(families)
        answers = await asking
        took_s = time.monotonic() - began
        in_a_thread = asyncio.get_running_loop().run_in_executor  # the others of this process are not to wait for it
        return await in_a_thread(None, _text, families, view, self._lookout.app, answers, took_s)


def _text(families: Families, view: View, app: str, answers: list[tuple[Target, str | None]], seconds: float) -> bytes:
    standing(families, view, app)
    families.gauge("sparkspace_round_seconds", "How long it took to ask everybody.", seconds)
    for target, text in answers:
        found = target.read(text) if text else []
        families.gauge("sparkspace_up", UP, int(bool(found)), **{**target.labels, "role": target.role})
        families.merge(found, target.labels)
    return families.text()
