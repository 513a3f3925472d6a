"""The near end of an attached command: this terminal's, or this pipe's, bytes to and from the box."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import io
import json
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from ..errors import ApiError
from .channels import ENDED, EXIT, SIZE, STDERR, STDIN, STDOUT

PIPES: dict[str, Any] = {"attach": True, "force_no_tty": True, "apart": True}  # apart: the box's own word
Sinks = Mapping[int, BinaryIO]  # channel → where its bytes go


def wishes() -> dict[str, object]:
    """What a run asks for: a terminal of this one's kind and size if both ends of ours are one, else plain pipes."""
    if not is_terminal():
        return {**PIPES, "env": {}}
    columns, lines = os.get_terminal_size(sys.stdin.fileno())
    env = {"TERM": os.environ.get("TERM", "xterm"), "COLUMNS": str(columns), "LINES": str(lines)}
    return {"attach": True, "env": env}


def socket_url(api: str, attach_url: str) -> str:
    """Where an attached command has a WebSocket: what the API says is for the heroku command, by rendezvous."""
    return f"{api}/attach/{attach_url.rpartition('/')[2]}"


def is_terminal() -> bool:
    """Whether a person sits here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def attach(url: str) -> int:
    """Carry bytes until the command at ``url`` has ended. Returns its exit code; 130 after Ctrl-C at a pipe.

    Raises:
        ApiError: the box is gone before the command has ended.
    """
    raw = raw_terminal() if is_terminal() else contextlib.nullcontext()
    with raw:
        return asyncio.run(_carry(url, {STDOUT: sys.stdout.buffer, STDERR: sys.stderr.buffer}, with_stdin=True))


def capture(url: str) -> tuple[int, str, str]:
    """Wait for the command at ``url`` to end. Returns its exit code and what it wrote to stdout and stderr.

    Raises:
        ApiError: the box is gone before the command has ended.
    """
    stdout, stderr = io.BytesIO(), io.BytesIO()
    code = asyncio.run(_carry(url, {STDOUT: stdout, STDERR: stderr}, with_stdin=False))
    return code, stdout.getvalue().decode("utf-8", "replace"), stderr.getvalue().decode("utf-8", "replace")


@contextlib.contextmanager
def raw_terminal() -> Iterator[None]:
    """Every key goes to the command, Ctrl-C too; the terminal is as it was afterwards, whatever happens."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def _carry(url: str, sinks: Sinks, with_stdin: bool) -> int:
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=["v5.channel.k8s.io"], max_msg_size=0) as socket,
        ):
            loop = asyncio.get_running_loop()
            outbox: asyncio.Queue[bytes] = asyncio.Queue(64)
            sender = asyncio.create_task(_send(socket, outbox))
            if with_stdin:
                read_stdin(loop, outbox)
            else:
                outbox.put_nowait(bytes([ENDED, STDIN]))
            if with_stdin and is_terminal():
                loop.add_signal_handler(signal.SIGWINCH, resize, outbox)
            async for message in socket:
                code = _take(message.data, sinks)
                if code is not None:
                    sender.cancel()
                    return code
    except aiohttp.ClientError as error:
        raise ApiError(f"The box does not answer: {error}.") from None
    raise ApiError("The box was closed before the command had ended.")


async def _send(socket: object, outbox: asyncio.Queue[bytes]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_bytes(await outbox.get())  # type: ignore[attr-defined]  # aiohttp is imported late


def _take(data: bytes, sinks: Sinks) -> int | None:
    """Write what the command wrote; its exit code, once it has one."""
    channel, rest = data[0], data[1:]
    if channel == EXIT:
        return int(json.loads(rest)["exit"])
    sinks[channel].write(rest)
    sinks[channel].flush()
    return None


def read_stdin(loop: asyncio.AbstractEventLoop, outbox: asyncio.Queue[bytes]) -> None:
    """Put our stdin into the outbox, from a thread: a file can't be waited for otherwise. The thread ends with us."""

    def read() -> None:
        put: Callable[[bytes], object] = lambda data: asyncio.run_coroutine_threadsafe(outbox.put(data), loop).result()  # noqa: E731
        # The command may have ended meanwhile, and with it the loop.
        with contextlib.suppress(RuntimeError, OSError, concurrent.futures.CancelledError):
            while data := os.read(0, 65536):
                put(bytes([STDIN]) + data)
            put(bytes([ENDED, STDIN]))

    threading.Thread(target=read, daemon=True).start()


def resize(outbox: asyncio.Queue[bytes]) -> None:
    """Tell the command our new size; when it does not even take its input, the next change will do."""
    with contextlib.suppress(asyncio.QueueFull):
        outbox.put_nowait(_size())


def _size() -> bytes:
    columns, lines = os.get_terminal_size(sys.stdin.fileno())
    return bytes([SIZE]) + json.dumps({"Width": columns, "Height": lines}).encode()
