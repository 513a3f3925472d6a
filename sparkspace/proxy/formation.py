"""How many dynos there should be, and are, as the Platform API says it, where there is a token to ask with."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..config import Dyno, token
from ..errors import ApiError
from ..heroku.client import Client, api_url
from ..log import event
from .families import Families

EVERY_S = 30.0  # two calls, of the 4,500 an hour that a token has
ANSWER_WITHIN_S = 5.0  # Prometheus gives a scrape ten


@dataclass(frozen=True)
class Numbers:
    """Dynos: wanted by process type, and present by process type and state."""

    wanted: Mapping[str, int]
    present: Mapping[tuple[str, str], int]


class Formation:
    """Asks the API when it is asked itself, and not more often than every ``EVERY_S``."""

    def __init__(self, dyno: Dyno, env: Mapping[str, str]) -> None:
        access = token(env)
        self._client = (
            Client(api_url(env), access, dyno.app_name, attempts=1, within_s=ANSWER_WITHIN_S) if access else None
        )
        self._asker = ThreadPoolExecutor(1)  # of its own: an API that hangs keeps nobody else waiting
        self._numbers: Numbers | None = None
        self._asked_at = -EVERY_S
        self._said = ""

    async def measure(self, families: Families) -> None:
        """Add them. An API that refuses, or can't be had, is a zero; without a token there is nothing at all."""
        if self._client is None:
            return
        if time.monotonic() - self._asked_at >= EVERY_S:
            self._asked_at = time.monotonic()
            self._numbers = await asyncio.get_running_loop().run_in_executor(self._asker, self._ask, self._client)
        families.gauge("sparkspace_up", UP, int(self._numbers is not None), role="api")
        if self._numbers:
            numbers(families, self._numbers)

    def _ask(self, client: Client) -> Numbers | None:
        try:
            wanted = {str(line["type"]): int(line["quantity"]) for line in client.formation()}
            present = Counter((dyno.type, dyno.state) for dyno in client.listed_dynos())
        except (ApiError, KeyError, TypeError, ValueError) as error:
            self._say(error.message if isinstance(error, ApiError) else repr(error))
            return None
        self._said = ""
        return Numbers(wanted, present)

    def _say(self, problem: str) -> None:
        """Once."""
        if problem != self._said:
            event("metrics", warning="no-formation", reason=problem)
        self._said = problem


UP = "Whether it has answered with measurements."


def numbers(families: Families, found: Numbers) -> None:
    """Add them. A type that is wanted and has nobody is said, too."""
    for kind, quantity in found.wanted.items():
        families.gauge("sparkspace_dynos_wanted", "Dynos that the formation has.", quantity, type=kind)
    present = {(kind, "up"): 0 for kind in found.wanted} | dict(found.present)
    for (kind, state), count in present.items():
        families.gauge("sparkspace_dynos", "Dynos that are there.", count, type=kind, state=state)
