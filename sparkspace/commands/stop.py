"""``sparkspace stop worker.1 | worker | run.1``."""

from __future__ import annotations

from collections.abc import Mapping

from ..log import event
from . import here
from .arguments import Parser

DESCRIPTION = """\
Stop a dyno or a process type, and wait until it has ended. A dyno of the formation is replaced then, as in a Private
Space; to have fewer, scale. A one-off dyno is gone."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Stop one dyno or a process type."""
    parser = Parser("stop", DESCRIPTION)
    parser.add_argument("dyno", help="a dyno or a process type")
    dyno = parser.parse_args(args).dyno
    here.client().stop(dyno)
    event("stopped", dyno=dyno)
    return 0
