"""A command's standard streams, carried to whoever typed it: by WebSocket (here), or by rendezvous (there)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import termios
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from aiohttp import WSMsgType, web

from .channels import ENDED, EXIT, SIZE, STDERR, STDIN, STDOUT
from .line import Streams

CLAIM_WITHIN_S = 60.0
KEY_LENGTH = 22  # of an attachment's key: secrets.token_urlsafe(16)


class Attached(Protocol):
    """What can be attached to: a one-off dyno, or a command inside a dyno."""

    exit_code: asyncio.Future[int]

    def signal(self, number: int) -> None:
        """Send a signal to all its processes."""

    def kill(self) -> None:
        """End it now."""


class Visitor(Protocol):
    """Whoever has come for a command's streams."""

    def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """Channel and data of each message, until the visitor is gone."""

    async def send(self, channel: int, data: bytes) -> None:
        """Hand over what the command wrote, or its exit code."""


class Socket:
    """A visitor by WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """Each binary message."""
        async for message in self._socket:
            if message.type is WSMsgType.BINARY and message.data:
                yield message.data[0], message.data[1:]

    async def send(self, channel: int, data: bytes) -> None:
        """One message."""
        await self._socket.send_bytes(bytes([channel]) + data)


class Attachment:
    """Our ends of a command's streams, until somebody comes for them.

    Without a terminal stdout and stderr are one stream, as Heroku has it, unless they are to stay ``apart``.
    """

    def __init__(self, tty: bool, columns: int, lines: int, apart: bool = False) -> None:
        self.tty = tty
        if tty:
            ours, theirs = pty.openpty()
            set_size(ours, columns, lines)
            self.streams = Streams(theirs, theirs, theirs, True)
            self._input, self._outputs = os.dup(ours), {STDOUT: ours}
        else:
            (stdin, self._input), (out, stdout) = os.pipe(), os.pipe()
            err, stderr = os.pipe() if apart else (out, stdout)
            self.streams = Streams(stdin, stdout, stderr, False)
            self._outputs = {STDOUT: out, STDERR: err} if apart else {STDOUT: out}
        self._open = {self._input, *self._outputs.values()}

    def close(self) -> None:
        """Close those of our ends that nobody has taken over."""
        while self._open:
            os.close(self._open.pop())

    async def carry(self, visitor: Visitor, command: Attached) -> None:
        """Carry bytes both ways until the command has ended, then send its exit code.

        When the other side hangs up, the command is hung up too, and killed if it does not mind.
        """
        outputs = [asyncio.create_task(self._out(visitor, channel, end)) for channel, end in self._outputs.items()]
        gone = asyncio.create_task(self._in(visitor))
        ended = asyncio.create_task(self._ended(outputs, command.exit_code))
        try:
            await asyncio.wait({gone, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                with contextlib.suppress(ConnectionError):
                    await visitor.send(EXIT, json.dumps({"exit": ended.result()}).encode())
            else:
                await hang_up(command)
        finally:
            for task in (gone, ended, *outputs):
                task.cancel()
            self.close()

    async def _ended(self, outputs: Iterable[asyncio.Task[None]], exit_code: asyncio.Future[int]) -> int:
        """The command's exit code, once all that it wrote has been sent, however slowly that is read."""
        code = await asyncio.shield(exit_code)
        await asyncio.gather(*outputs)
        return code

    async def _out(self, visitor: Visitor, channel: int, handle: int) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        self._open.discard(handle)
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb", 0)
        )
        # A terminal whose last process is gone reads as an error; a pipe ends.
        with contextlib.suppress(OSError, ConnectionError), contextlib.closing(transport):
            while data := await reader.read(65536):
                await visitor.send(channel, data)

    async def _in(self, visitor: Visitor) -> None:
        """Returns when the other side is gone."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(os.dup(self._input), "wb", 0)
        )
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            async for channel, data in visitor.messages():
                await self._take(channel, data, writer)
        finally:
            writer.close()

    async def _take(self, channel: int, data: bytes, writer: asyncio.StreamWriter) -> None:
        # A command that has ended, or closed its input, does not want more: not an error here.
        with contextlib.suppress(ConnectionError, OSError):
            if channel == STDIN:
                writer.write(data)
                await writer.drain()
            elif channel == SIZE and self.tty:
                size = json.loads(data)
                set_size(self._input, int(size["Width"]), int(size["Height"]))
            elif channel == ENDED and not self.tty and self._input in self._open:
                self._open.discard(self._input)
                os.close(self._input)
                writer.close()


async def hang_up(command: Attached, grace_s: float = 10.0) -> None:
    """SIGHUP, as Heroku sends when the client goes; then SIGTERM, then SIGKILL."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        command.signal(number)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(command.exit_code), grace_s / 2)
            return
    command.kill()


def set_size(terminal: int, columns: int, lines: int) -> None:
    """Tell the terminal its size; its foreground processes get SIGWINCH from the kernel."""
    rows, cells = (max(1, min(count, 10_000)) for count in (lines, columns))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cells, 0, 0))
