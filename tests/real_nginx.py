"""A real nginx: the one that bin/space-proxy finds, on a free port, with a configuration of a test's own."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from sparkspace.proxy import nginx


@functools.cache
def program() -> str:
    """Its path."""
    return nginx.find({"PATH": os.environ["PATH"]})


def free_port() -> int:
    """A port that nobody listens on, just now; none like 54431, which gixy would take for one with TLS."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port: int = held.getsockname()[1]
        if "443" not in str(port):
            return port


def user_line() -> str:
    """A test's folder is root's alone when root runs the tests."""
    return "user root;\n" if os.geteuid() == 0 else ""


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def status(port: int, path: str = "/", headers: Mapping[str, str] | None = None) -> int:
    """The status of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status


def wait_for(port: int, within_s: float = 10) -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextlib.contextmanager
def running(folder: Path, server: str) -> Iterator[int]:
    """Run it with this as the body of its ``server``, and give its port."""
    port = free_port()
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "test.conf").write_text(
        f"{user_line()}daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ {temporary} access_log off; server {{ listen 127.0.0.1:{port};\n{server}\n}} }}\n"
    )
    process = subprocess.Popen([program(), "-p", folder, "-c", folder / "test.conf", "-e", folder / "log"])
    try:
        wait_for(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
