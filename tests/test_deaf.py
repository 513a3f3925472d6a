"""Deaf: SIGTERM and SIGINT do not reach a program, nor what it starts; SIGQUIT does; it ends with who started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sparkspace.config import User
from sparkspace.proxy import deaf
from sparkspace.proxy.nginx import DEAF, Nginx
from sparkspace.proxy.routes import Routes

from . import real_nginx

pytestmark = pytest.mark.skipif(platform.machine() not in deaf.MACHINES, reason="no filter for this machine")

# Installs a handler for whatever it can, says which it has heard, and ends by SIGQUIT alone.
PROGRAM = """\
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGWINCH):
    signal.signal(number, lambda number, _: print(signal.Signals(number).name, flush=True))
signal.signal(signal.SIGQUIT, lambda *_: sys.exit(7))
print("ready", flush=True)
while True:
    time.sleep(60)
"""
NAMED = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
CHILD = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"


def command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-I", "-S", DEAF, *arguments]


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs. What nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def hears(*arguments: str) -> tuple[list[str], int]:
    """What a program says that is sent INT, TERM, WINCH and QUIT, and how it ends."""
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "ready\n"
        pids = [process.pid, *children(process.pid)]
        # Python sees to what has come in the order of the numbers, so one that is smaller and sent later could be late.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGWINCH):
            os.kill(pids[-1], number)
        heard = [process.stdout.readline().strip()]
        while heard[-1] not in ("SIGWINCH", ""):  # the latter: it has ended
            heard.append(process.stdout.readline().strip())
        os.kill(pids[-1], signal.SIGQUIT)
        return heard, process.wait(10)
    finally:
        process.kill()
        process.communicate()


def test_a_program_hears_all_without() -> None:
    heard, code = hears(sys.executable, "-c", PROGRAM)
    assert (set(heard), code) == ({"SIGTERM", "SIGINT", "SIGWINCH"}, 7)


@pytest.mark.parametrize("between", [(), ("-c", NAMED), ("-c", CHILD)], ids=["itself", "after an exec", "a child"])
def test_a_deaf_program_hears_neither(between: tuple[str, ...]) -> None:
    assert hears(*map(str, command(sys.executable, *between, "-c", PROGRAM))) == (["SIGWINCH"], 7)


def test_arguments_arrive_as_they_are() -> None:
    strange = ["", "a b", "-x", "é\n*"]
    said = subprocess.run(
        [*command(sys.executable, "-c", "import sys; print(sys.argv[1:])"), *strange], capture_output=True, text=True
    )
    assert (said.stdout, said.stderr) == (f"{strange}\n", "")


@pytest.fixture
def released() -> threading.Event:
    """What ``/slow`` waits for."""
    return threading.Event()


@pytest.fixture
def backend(released: threading.Event) -> Iterator[tuple[int, threading.Event]]:
    """The port of a server whose ``/slow`` takes its time, and whether that has been asked."""
    asked = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow":
                asked.set()
                released.wait(30)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port, asked
        released.set()
        server.shutdown()
        thread.join()


def routes(folder: Path, backend: int) -> tuple[Routes, int]:
    port = real_nginx.free_port()
    return Routes(
        app="myapp",
        listen=f"127.0.0.1:{port}",
        folder=str(folder),
        access_log="off",
        workers=2,
        as_root=os.geteuid() == 0,
        default=f"127.0.0.1:{backend}",
    ), port


LOGIN = real_nginx.basic("spark", "x")


def test_nginx_finishes_what_it_has_begun(
    tmp_path: Path, backend: tuple[int, threading.Event], released: threading.Event
) -> None:
    where, port = routes(tmp_path, backend[0])

    async def life() -> None:
        nginx = Nginx(real_nginx.program(), tmp_path)
        nginx.prepare([User("spark", "{PLAIN}x")])
        await nginx.start(where)
        assert nginx.process
        real_nginx.wait_for(port)
        slow = asyncio.create_task(asyncio.to_thread(real_nginx.status, port, "/slow", LOGIN))
        assert await asyncio.to_thread(backend[1].wait, 10)
        pids = [nginx.process.pid, *children(nginx.process.pid)]
        assert len(pids) == 3
        for number in (signal.SIGTERM, signal.SIGINT):
            for pid in pids:
                os.kill(pid, number)
        await asyncio.sleep(0.3)
        assert [pid for pid in pids if not is_alive(pid)] == []
        assert await asyncio.to_thread(real_nginx.status, port, "/", LOGIN) == 200
        stopped = asyncio.create_task(nginx.stop())
        with pytest.raises(ConnectionRefusedError):
            for _ in range(500):
                await asyncio.to_thread(real_nginx.status, port, "/", LOGIN)
                await asyncio.sleep(0.02)
        assert not slow.done() and not stopped.done()
        released.set()
        assert await asyncio.wait_for(slow, 10) == 200
        await asyncio.wait_for(stopped, 10)
        assert nginx.process.returncode == 0
        assert [pid for pid in pids if is_alive(pid)] == []

    asyncio.run(life())


def test_a_reload_may_come_at_once(tmp_path: Path, backend: tuple[int, threading.Event]) -> None:
    """Before nginx minds SIGHUP, it would die of it; and it must take up what it was told."""
    where, port = routes(tmp_path, backend[0])

    async def life() -> None:
        nginx = Nginx(real_nginx.program(), tmp_path)
        nginx.prepare([User("spark", "{PLAIN}x")])
        await nginx.start(replace(where, default=""))
        assert nginx.apply(where)
        real_nginx.wait_for(port)
        for _ in range(100):
            if await asyncio.to_thread(real_nginx.status, port, "/", LOGIN) == 200:
                break
            await asyncio.sleep(0.05)
        assert await asyncio.to_thread(real_nginx.status, port, "/", LOGIN) == 200
        assert not nginx.apply(where)
        await nginx.stop()

    asyncio.run(life())


PARENT = """\
import subprocess, sys, time
print(subprocess.Popen(sys.argv[1:]).pid, flush=True)
time.sleep(60)
"""


def test_nginx_ends_with_who_started_it(tmp_path: Path, backend: tuple[int, threading.Event]) -> None:
    where, port = routes(tmp_path, backend[0])
    Nginx("", tmp_path).prepare([User("spark", "{PLAIN}x")])
    (tmp_path / "nginx.conf").write_text(where.render())
    nginx = [real_nginx.program(), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen([sys.executable, "-c", PARENT, *command(*nginx)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        try:
            real_nginx.wait_for(port)
            pids = [pid, *children(pid)]
            parent.kill()
            parent.wait()
            assert within(10, lambda: not any(map(is_alive, pids)))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
