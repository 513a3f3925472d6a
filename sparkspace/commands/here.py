"""The box that a command is about: the one of the app in the current folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..box import record, terminal
from ..heroku.client import Client


def client() -> Client:
    """A client of the open box.

    Raises:
        BoxError: none is open here.
    """
    return of(record.find(record.app_folder(Path.cwd())))


def of(box: record.Box) -> Client:
    """A client of this box, which answers at the first try: it is on this machine, or it has gone."""
    return Client(box.url, box.token, box.app, attempts=1)


def run(command: Sequence[str], *, inside: str = "", size: str = "", with_token: bool = False) -> int:
    """Run a command in a one-off dyno, or inside a running one, with our standard streams. Returns its exit code.

    ``with_token``: it may use the box's API, which otherwise takes a config var.
    """
    wishes: dict[str, Any] = {**terminal.wishes(), **({"size": size} if size else {})}
    # One word is a line of shell, as heroku run has it; several are quoted so that they arrive as they are.
    line = command[0] if len(command) == 1 else shlex.join(command)
    found = record.find(record.app_folder(Path.cwd()))
    box = of(found)
    if with_token:
        wishes["env"] = {**wishes["env"], "SPARK_HEROKU_ACCESS_TOKEN": found.token}
    dyno = box.run(line, inside=inside, **wishes)
    return terminal.attach(terminal.socket_url(box.url, str(dyno["attach_url"])))


def capture(command: Sequence[str]) -> tuple[int, str]:
    """Run a command in a one-off dyno, without a terminal. Returns its exit code and stdout; stderr is passed on."""
    box = client()
    dyno = box.run(shlex.join(command), **terminal.PIPES)
    code, stdout, stderr = terminal.capture(terminal.socket_url(box.url, str(dyno["attach_url"])))
    sys.stderr.write(stderr)
    return code, stdout
