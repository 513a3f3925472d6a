"""``sparkspace restart [worker.1 | worker]``."""

from __future__ import annotations

from collections.abc import Mapping

from ..log import event
from . import here
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Restart one dyno, a process type, or all. The new one starts while the old one stops, as on Heroku."""
    parser = Parser("restart", "Restart one dyno (worker.1), a process type (worker), or all dynos.")
    parser.add_argument("dyno", nargs="?", default="", help="a dyno or a process type; default: all")
    dyno = parser.parse_args(args).dyno
    here.client().restart(dyno)
    event("restarting", dyno=dyno or "all")
    return 0
