"""A box for clients that others wrote, and Heroku's own command, as scripts/setup installs it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..box.conftest import ROOT, Box, tiny_app, until

REFUSED = 2  # the exit code of the command when the API says no
PROGRAMS = ROOT / ".venv" / "heroku" / "node_modules" / ".bin"
GATE = "gate"  # a file of the app's folder: while it is not there, the web dyno is starting
PROCFILE = """\
web: until [ -e {gate} ]; do sleep 0.1; done; exec python3 -m http.server $PORT
quiet: sleep 1000
noisy: while true; do echo tick; sleep 0.1; done
"""


class Heroku:
    """The ``heroku`` command in a shell that has done ``eval "$(bin/sparkspace env)"``, and in a home of its own."""

    def __init__(self, box: Box, home: Path) -> None:
        exports = dict(shlex.split(line)[1].split("=", 1) for line in box.out("env").splitlines())
        self.env = {
            **exports,
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "HEROKU_SKIP_NEW_VERSION_CHECK": "true",
            "HEROKU_DISABLE_AUTOUPDATE": "true",  # which would wait in the background until no other runs
        }

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Run ``heroku …`` with pipes."""
        pipe = subprocess.PIPE
        command = [str(PROGRAMS / "heroku"), *args]
        return subprocess.Popen(command, env={**self.env, **env}, text=True, stdin=pipe, stdout=pipe, stderr=pipe)

    def __call__(self, *args: str, code: int = 0, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run ``heroku …`` to its end, and insist on its exit code."""
        with self.start(*args, **env) as process:
            stdout, stderr = process.communicate(stdin, timeout=120)
        assert process.returncode == code, f"{args}: {process.returncode}\n{stdout}\n{stderr}"
        return subprocess.CompletedProcess(args, code, stdout, stderr)

    def all(self, commands: Iterable[Sequence[str]], code: int) -> list[subprocess.CompletedProcess[str]]:
        """Run several, two at a time: each takes a second of a processor to start."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda command: self(*command, code=code), commands))

    def out(self, *args: str, **options: str) -> str:
        """What it printed."""
        return self(*args, **options).stdout


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box without Spark."""
    box = tiny_app(tmp_path_factory.mktemp("heroku") / "app")
    (box.folder / "Procfile").write_text(PROCFILE.format(gate=box.folder / GATE))
    (box.folder / "app.json").write_text('{"formation": {"web": {"quantity": 0}}}')
    box("up", "--detach", "--app", "my-app")
    yield box
    box("down")


@pytest.fixture
def still(box: Box) -> Box:
    """The box with two dynos that do nothing."""
    sizes = [("web", 0), ("quiet", 2), ("noisy", 0)]
    updates = [{"type": type, "quantity": quantity, "size": "Private-M"} for type, quantity in sizes]
    assert box.api("PATCH", "formation", {"updates": updates}).ok
    settle(box, ["quiet.1", "quiet.2"])
    return box


def settle(box: Box, names: list[str]) -> None:
    """Wait until these dynos are up, and there are no others but one-off dynos."""

    def states() -> dict[str, str]:
        return {name: dyno["state"] for name, dyno in box.dynos().items() if dyno["type"] != "run"}

    until(lambda: states() == dict.fromkeys(names, "up"))


@pytest.fixture(scope="session")
def heroku(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Heroku:
    """The command, if it is here."""
    if not (PROGRAMS / "heroku").exists():
        pytest.skip("the heroku command is not here: scripts/setup dev says why")
    return Heroku(box, tmp_path_factory.mktemp("home"))
