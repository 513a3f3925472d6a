"""The line from the box to a dyno's first process: starting it, and speaking with it (see ``shim.py``)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BoxError

SHIM = Path(__file__).with_name("shim.py")


@dataclass(frozen=True)
class Streams:
    """The standard streams of an attached command. With a terminal all three are one."""

    stdin: int
    stdout: int
    stderr: int
    tty: bool

    def close(self) -> None:
        """Close our copies, once the command has its own."""
        for handle in {self.stdin, self.stdout, self.stderr}:
            os.close(handle)


class Line:
    """The control socket to a shim, and the process at the other end."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message; a shim that has ended does not mind."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None when the shim has ended."""
        try:
            line = await self._reader.readline()
        except OSError:
            return None
        return json.loads(line) if line else None

    async def expect(self, at: str) -> None:
        """Wait for the shim to say ``at``.

        Raises:
            BoxError: it said that it failed, or ended.
        """
        message = await self.receive()
        if not message or message["at"] != at:
            raise BoxError(
                str(message["why"]) if message and "why" in message else f"its first process ended before it was {at}"
            )

    async def exit_code(self) -> int:
        """Wait for the command to end. A shim that ends without a word was killed: 137."""
        while message := await self.receive():
            if message["at"] == "exited":
                return int(message["code"])
        return 137

    async def close(self) -> None:
        """Hang up, which makes the shim kill what is left, and wait for its end."""
        self._writer.close()
        await self.process.wait()


# Where a dyno that sees nothing of this machine but its base system has what a shim inside it needs.
LENT = {"/.box/python": sys.base_prefix, "/.box/shim": str(SHIM.parent)}


def lent_shim() -> list[str]:
    """The command for a shim inside such a dyno."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = "LD_LIBRARY_PATH=/.box/python/lib"  # it may have been built for another place
    return ["/usr/bin/env", library, f"/.box/python/bin/{version}", "-I", "-S", f"/.box/shim/{SHIM.name}"]


def own_shim() -> list[str]:
    """The command for a shim anywhere else."""
    return [sys.executable, "-I", "-S", str(SHIM)]


async def spawn(command: list[str], streams: Streams | None) -> tuple[Line, asyncio.StreamReader | None]:
    """Start a shim by this command, which may enter namespaces first.

    Returns the line to it, and its output if there are no ``streams`` for that to go to.
    """
    ours, theirs = socket.socketpair()
    with contextlib.closing(theirs):
        process = await asyncio.create_subprocess_exec(
            *command,
            str(theirs.fileno()),
            stdin=streams.stdin if streams else subprocess.DEVNULL,
            stdout=streams.stdout if streams else subprocess.PIPE,
            stderr=streams.stderr if streams else subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    return Line(process, reader, writer), None if streams else process.stdout


def first_child(pid: int) -> int:
    """The process that ``pid`` forked: a dyno's first, or the box's own.

    Raises:
        BoxError: there is none any more.
    """
    import psutil

    try:
        return int(psutil.Process(pid).children()[0].pid)
    except (psutil.Error, IndexError):
        raise BoxError(f"Process {pid} has ended.") from None
