"""Heroku's rendezvous: how the ``heroku`` command, and others, come for the streams of an attached command.

TLS; the client says the key, the last part of ``attach_url``, the server ``rendezvous``, and then both pass bytes.
There is no more to it: no exit code, no size of a terminal that changes, no end of input but Ctrl-D. Source: the
clients, lib/run/dyno.ts of github.com/heroku/cli, and heroku3's rendezvous.py, which sends no line end after the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

from .attachment import KEY_LENGTH
from .channels import ENDED, STDERR, STDIN, STDOUT
from .space import Space

KEY_WITHIN_S = 10.0
CLOSE_WITHIN_S = 5.0
LINGER_S = 0.5  # after the command: the heroku command falls over when it can't send the end of its input any more
CTRL_D = b"\x04"


class Rendezvous:
    """Where attached commands are fetched."""

    def __init__(self, space: Space, tls: ssl.SSLContext) -> None:
        self._space = space
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def serve(self, sock: socket.socket) -> None:
        """Serve on a listening socket, until ``close``."""
        self._server = await asyncio.start_server(self._meet, sock=sock, ssl=self._tls)

    async def close(self) -> None:
        """Let nobody in any more."""
        if self._server:
            self._server.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that goes, or never says a key, is not worth a word.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            key = await asyncio.wait_for(reader.readexactly(KEY_LENGTH), KEY_WITHIN_S)
            await self._hand_over(key.decode("ascii", "replace"), reader, writer)
        writer.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), CLOSE_WITHIN_S)

    async def _hand_over(self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes until the command has ended. A key opens once."""
        attachment, command = self._space.attachments.pop(key, (None, None))
        if attachment and command:
            writer.write(b"rendezvous\r\n")
            await writer.drain()
            caller = Caller(reader, writer, attachment.tty)
            await attachment.carry(caller, command)
            await asyncio.wait_for(caller.end_of_input(), LINGER_S)


class Caller:
    """A visitor by rendezvous."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tty: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._tty = tty
        self._ended = False

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """Its input. Without a terminal Ctrl-D, which the heroku command sends when its own input ends, ends it."""
        data = (await self._read()).removeprefix(b"\r\n")  # of the line with the key
        while data or not self._reader.at_eof():
            text, end, _ = (data, b"", b"") if self._tty else data.partition(CTRL_D)
            yield STDIN, text
            if end:
                yield ENDED, bytes([STDIN])
            data = await self._read()

    async def end_of_input(self) -> None:
        """Wait until the client has no more to say, or is gone."""
        while not self._ended and not self._reader.at_eof():
            await self._read()

    async def _read(self) -> bytes:
        """Some input; none when the client is gone, however it went."""
        try:
            data = await self._reader.read(65536)
        except OSError:
            self._reader.feed_eof()
            return b""
        self._ended = self._ended or CTRL_D in data
        return data

    async def send(self, channel: int, data: bytes) -> None:
        """What the command wrote. Its exit code has no place here."""
        if channel in (STDOUT, STDERR):
            self._writer.write(data)
            await self._writer.drain()
