"""``sparkspace run:inside console.1 COMMAND``: a command inside a dyno that is up already, so it starts at once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from . import here
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Run it, and return its exit code."""
    parser = Parser("run:inside", "Run a command inside a running dyno, with this terminal.")
    parser.add_argument("dyno", help="like console.1")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    options = parser.parse_args(args)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("a command is missing")
    return here.run(command, inside=options.dyno)
