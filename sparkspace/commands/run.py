"""``sparkspace run COMMAND``: a one-off dyno with our terminal, or our pipes."""

from __future__ import annotations

from collections.abc import Mapping

from ..log import event
from . import here
from .arguments import Parser

DESCRIPTION = """\
Run a command in a one-off dyno. At a terminal the command gets one too; piped input is passed on, and its end.
The exit code is the command's. Options of ours come before the command."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Run it, and return its exit code."""
    import argparse

    parser = Parser("run", DESCRIPTION)
    parser.add_argument("--size", "-s", default="", help="dyno size, like Private-L")
    parser.add_argument("--detach", "-d", action="store_true", help="return at once; the output goes to the log")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    options = parser.parse_args(args)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("a command is missing")
    if not options.detach:
        return here.run(command, size=options.size)
    import shlex

    wishes = {"size": options.size} if options.size else {}
    dyno = here.client().run(command[0] if len(command) == 1 else shlex.join(command), **wishes)
    event("running", dyno=dyno["name"], logs=f"bin/sparkspace logs --tail --dyno {dyno['name']}")
    return 0
