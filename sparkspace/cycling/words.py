"""Last words: what executors and drivers of a Worker have in their log files, told on our own output before they go.

A dyno's disk goes with it. Copying everything all the time would multiply what Heroku's log drains carry, so what
counts is the end: the last lines as they are when the dyno is told to go, and from then on each line as it comes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

from .. import redaction

LAST_LINES = 20
LAST_BYTES = 16_384
MOST_LINES = 500  # of one file
MOST_BYTES = 1_000_000  # of one file at one look
MOST_CHARACTERS = 2_000  # of one line
FILES = ("stdout", "stderr")


class File:
    """One log file, told from its last lines on."""

    def __init__(self, path: str, label: str) -> None:
        self.path, self.label = path, label
        self._position: int | None = None
        self._rest = b""
        self._told = 0

    def lines(self, closing: bool = False) -> list[str]:
        """The lines that are new, all in all at most ``MOST_LINES``. ``closing``: also one that is not complete yet."""
        if self._told > MOST_LINES:
            return []
        first = self._position is None
        *whole, self._rest = (self._rest + self._new()).split(b"\n")
        if first and self._position and self._position > LAST_BYTES:
            whole = whole[1:]  # half a line could have half a secret, which nobody would recognize
        if first:
            whole = whole[-LAST_LINES:]
        if closing and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        room = MOST_LINES - self._told
        self._told += len(whole)
        told = [line.decode("utf-8", "replace").rstrip("\r") for line in whole[:room]]
        return [*told, f"(no more of this file than {MOST_LINES} lines)"] if len(whole) > room else told

    def _new(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                if self._position is None:
                    self._position = max(0, size - LAST_BYTES)
                if size < self._position:  # Spark has begun a new file
                    self._position = 0
                file.seek(self._position)
                data = file.read(MOST_BYTES)
        except OSError:
            return b""
        self._position += len(data)
        return data


class Words:
    """The log files of a Worker's executors and drivers."""

    def __init__(self, env: Mapping[str, str], out: TextIO = sys.stderr) -> None:
        self._secrets = redaction.secrets(env)
        self._out = out
        self._files: dict[str, File] = {}

    def follow(self, pids: Iterable[int]) -> None:
        """From now on tell what these processes write. Their folder is their current one, WORK/APPLICATION/NUMBER."""
        for pid in pids:
            with contextlib.suppress(OSError):
                folder = os.readlink(f"/proc/{pid}/cwd")
                for name in FILES:
                    path = os.path.join(folder, name)
                    self._files.setdefault(path, File(path, label(folder)))

    def tell(self, closing: bool = False) -> None:
        """Print the new lines of every file, each at once."""
        for file in self._files.values():
            for line in file.lines(closing):
                shown = redaction.without(line, self._secrets)[:MOST_CHARACTERS]  # cut last: half a secret is one too
                print(f"{file.label} {shown}", file=self._out, flush=True)


def label(folder: str) -> str:
    """``executor=app-1/0`` for WORK/app-1/0, ``driver=driver-1`` for WORK/driver-1."""
    above, name = os.path.split(folder)
    return f"driver={name}" if name.startswith("driver-") else f"executor={os.path.basename(above)}/{name}"
