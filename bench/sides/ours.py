"""A box of this repository."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

import requests

from . import ROOT

PATIENCE_S = 300


def sparkspace(*args: str, stdin: str = "") -> str:
    """``bin/sparkspace …``; what it printed.

    Raises:
        RuntimeError: it failed.
    """
    command = [str(ROOT / "bin" / "sparkspace"), *args]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def box(workers: int, *options: str) -> Iterator[None]:
    """A box with one master and workers of Private-M, all registered."""
    with opened(workers, *options):
        wait(workers)
        yield


@contextlib.contextmanager
def opened(workers: int, *options: str) -> Iterator[None]:
    """The same, whose dynos have begun to start."""
    try:
        sparkspace("up", "--detach", "--app", "bench", "--masters", "1", "--workers", str(workers), *options)
    except KeyboardInterrupt:
        sparkspace("down")  # any other failure has left nothing, or is that there is a box, which is not ours
        raise
    try:
        yield
    finally:
        sparkspace("down")


class OpenDyno:
    """A one-off dyno with a shell that is there for commands to come."""

    END = "-end-of-this-command-"

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str, stdin: str) -> Iterator[str]:
        """Run a command with this text as its stdin. Gives the lines of its stdout, until it ends."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{{ {command}; }} <<'{self.END}'\n{stdin}{self.END}\necho; echo {self.END}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.strip() == self.END:
                return
            yield line


@contextlib.contextmanager
def open_dyno() -> Iterator[OpenDyno]:
    """One of the box that is open."""
    command = [str(ROOT / "bin" / "sparkspace"), "run", "sh"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield OpenDyno(process)
        assert process.stdin
        process.stdin.close()


def restart(dyno: str) -> None:
    """End a dyno by the box's API, which starts another.

    Raises:
        requests.RequestException: it could not.
    """
    _api("DELETE", f"apps/bench/dynos/{dyno}")


def master_page() -> str:
    """The master's page as JSON. On loopback this machine reaches it.

    Raises:
        requests.RequestException: the box's API failed.
    """
    formation = _api("GET", "spaces/localspace/topology").json()["apps"][0]["formation"]
    dynos = next(each["dynos"] for each in formation if each["process_type"] == "master")
    return f"http://{dynos[0]['private_ip']}:8080/json/"


def _api(method: str, path: str) -> requests.Response:
    record = json.loads((ROOT / ".sparkspace" / "box.json").read_text())
    access = {"Authorization": f"Bearer {record['token']}"}
    reply = requests.request(method, f"{record['url']}/{path}", headers=access, timeout=60)
    reply.raise_for_status()
    return reply


def wait(workers: int) -> None:
    """Until so many workers are registered."""
    sparkspace("wait", "--workers", str(workers), "--timeout", str(PATIENCE_S))
