"""What the web process costs: requests a second and the slowest hundredth, for a small and a large page.

Three proxies before the same server on this machine's loopback, each with one nginx worker: ours, as bin/space-proxy
renders it, with its password, checks and log; a bare nginx with a single proxy_pass; and spark-in-space's rules (a
password, and whatever host the cookie names). They take turns, so that other load on the machine falls on all.
Needs wrk (apt-get install wrk).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from sparkspace.config import User
from sparkspace.proxy.nginx import Nginx, find
from sparkspace.proxy.routes import Routes

PAGES = {"small": 8 * 1024, "large": 1024 * 1024}  # a master's page; a page of a thousand tasks
RATE = "The processor, which nginx, the server behind it and wrk share; ours keeps its connections to the server."
SLOW = "32 connections that wait for one nginx worker."
ROWS = {
    "small": Row("pages of 8 KB", "requests/s", RATE),
    "small p99": Row("pages of 8 KB, 99th percentile", "ms", SLOW),
    "large": Row("pages of 1 MB", "requests/s", RATE),
    "large p99": Row("pages of 1 MB, 99th percentile", "ms", SLOW),
}
CONNECTIONS = 32
USER, PASSWORD = "spark", "correct-horse-battery-staple"
HEADER = "Authorization: Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
COMMON = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    {rules}
}}
"""
ORIGIN = "access_log off; server {{ listen 127.0.0.1:{port}; root {folder}/pages; keepalive_requests 1000000; }}"
BARE = "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{origin}; }} }}"
OF_OLD = """
    map $cookie_backend $to {{ default $cookie_backend; "" 127.0.0.1:{origin}; }}
    server {{
        listen 127.0.0.1:{port};
        access_log off;
        resolver 127.0.0.1;
        auth_basic "spark";
        auth_basic_user_file {folder}/users;
        location / {{ proxy_pass http://$to; proxy_set_header Host $host; }}
    }}"""


def main() -> int:
    """Measure in turns."""
    command = Command(
        __doc__, rounds=Size(7, "of each proxy and page", quick=1), seconds=Size(3, "of each measurement", quick=1)
    )
    if not shutil.which("wrk"):
        print("wrk is missing: apt-get install wrk", file=sys.stderr)
        return 72
    with tempfile.TemporaryDirectory() as folder:
        runs = asyncio.run(measure(Path(folder), *command.sizes.values()))
    return command.finish(measured(ROWS, runs))


async def measure(folder: Path, rounds: int, seconds: int) -> turns.Runs:
    """Start the server and the proxies, and load each in turn."""
    origin = free_port()
    (folder / "origin" / "pages").mkdir(parents=True)
    for name, size in PAGES.items():
        (folder / "origin" / "pages" / name).write_bytes(b"spark " * (size // 6))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(folder / "origin", ORIGIN, origin, origin))
        proxies = {"ours": await stack.enter_async_context(ours(folder / "ours", origin))}
        for name, rules in (("nginx", BARE), ("spark-in-space", OF_OLD)):
            proxies[name] = free_port()
            await stack.enter_async_context(running(folder / name, rules, proxies[name], origin))
        runs: turns.Runs = {name: [{} for _ in range(rounds + 1)] for name in proxies}
        for round in range(rounds + 1):
            for page in PAGES:
                for name in sorted(proxies, reverse=bool(round % 2)):
                    rate, slowest = await load(f"http://127.0.0.1:{proxies[name]}/{page}", seconds if round else 1)
                    runs[name][round] |= {page: rate, f"{page} p99": slowest}
    return {name: values[1:] for name, values in runs.items()}  # the first warms up


@contextlib.asynccontextmanager
async def running(folder: Path, rules: str, port: int, origin: int) -> AsyncIterator[None]:
    """An nginx with these rules."""
    folder.mkdir(exist_ok=True)
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    text = COMMON.format(folder=folder, rules=rules.format(folder=folder, port=port, origin=origin))
    (folder / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    command = [find(os.environ), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    process = await asyncio.create_subprocess_exec(*command)
    await answering(port)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def ours(folder: Path, origin: int) -> AsyncIterator[int]:
    """The web process's own nginx, with what goes to Spark and nothing else."""
    folder.mkdir()
    port = free_port()
    routes = Routes(
        app="bench",
        listen=f"127.0.0.1:{port}",
        folder=str(folder),
        access_log=str(folder / "access.log"),
        as_root=os.geteuid() == 0,
        default=f"127.0.0.1:{origin}",
        master=f"127.0.0.1:{origin}",
    )
    nginx = Nginx(find(os.environ), folder)
    nginx.prepare([User(USER, "{PLAIN}" + PASSWORD)])
    await nginx.start(routes)
    await answering(port)
    try:
        yield port
    finally:
        await nginx.stop()


async def load(url: str, seconds: int) -> tuple[float, float]:
    """Requests a second, and the 99th percentile in ms."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-H", HEADER, url]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said = (await process.communicate())[0].decode()
    failed = re.search(r"Non-2xx.*|Socket errors.*", said)
    rate, slowest = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if failed or not rate or not slowest:
        raise SystemExit(f"{url}: {failed[0] if failed else said}")
    return float(rate[1]), float(slowest[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[slowest[2]]


async def answering(port: int) -> None:
    """Wait until something listens."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
