"""The box's log: every dyno's output and the box's own events, as Heroku's Logplex keeps and sends them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timezone

HISTORY = 1500  # lines, and 10,000 bytes in one: devcenter.heroku.com/articles/logging
LONGEST = 10_000


@dataclass(frozen=True)
class Line:
    """``2026-11-21T10:00:00+00:00 app[worker.1]: text``."""

    at: datetime
    source: str  # app: what a dyno printed; heroku: what the box did
    dyno: str
    text: str

    def __str__(self) -> str:
        return f"{self.at.isoformat(timespec='seconds')} {self.source}[{self.dyno}]: {self.text}"


Wanted = Callable[[Line], bool]


class Log:
    """The last lines, and those who follow."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=HISTORY)
        self._followers: set[asyncio.Queue[Line | None]] = set()

    def add(self, source: str, dyno: str, text: str) -> None:
        """Keep a line, and hand it to all followers."""
        line = Line(datetime.now(timezone.utc), source, dyno, text)
        self._lines.append(line)
        for follower in self._followers:
            with contextlib.suppress(asyncio.QueueFull):  # one that reads no more loses lines, as with Logplex (L10)
                follower.put_nowait(line)

    async def copy(self, stream: asyncio.StreamReader, dyno: str) -> None:
        """Add what comes from a dyno's output, line by line, until it ends. Long lines are split, as Heroku does."""
        rest = b""
        while data := await stream.read(65536):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) >= LONGEST:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._add_bytes(dyno, line)
        if rest:
            self._add_bytes(dyno, rest)

    def _add_bytes(self, dyno: str, line: bytes) -> None:
        for start in range(0, max(len(line), 1), LONGEST):
            self.add("app", dyno, line[start : start + LONGEST].decode("utf-8", "replace").rstrip("\r"))

    def last(self, count: int, wanted: Wanted) -> list[Line]:
        """The last ``count`` lines of those wanted."""
        chosen = [line for line in self._lines if wanted(line)]
        return chosen[-count:] if count else []

    async def follow(self, count: int, wanted: Wanted) -> AsyncIterator[Line]:
        """The last ``count`` lines, then every line to come, until the log is closed."""
        queue: asyncio.Queue[Line | None] = asyncio.Queue(LONGEST)
        self._followers.add(queue)
        try:
            for line in self.last(count, wanted):
                yield line
            while (new := await queue.get()) is not None:
                if wanted(new):
                    yield new
        finally:
            self._followers.discard(queue)

    def close(self) -> None:
        """End all followers, once they have what is there."""
        for follower in self._followers:
            while follower.full():
                follower.get_nowait()
            follower.put_nowait(None)
