"""``sparkspace wait --workers N --timeout S``."""

from __future__ import annotations

from collections.abc import Mapping

from .. import topology
from ..cluster import master
from ..cluster.waiting import wait_for_workers
from ..config import Dyno, Settings
from ..log import event
from . import everywhere
from .arguments import Parser, whole


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Return as soon as a master is ALIVE and so many workers are registered."""
    parser = Parser(
        "wait", "Wait until a master is ALIVE and so many workers are registered, or the time is up (exit 69)."
    )
    parser.add_argument("--workers", type=whole(0), default=1, metavar="N", help="default: 1")
    parser.add_argument("--timeout", type=whole(1), default=120, metavar="S", help="seconds; default: 120")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    urls = topology.master_ui_urls(Dyno.from_env(env), Settings.from_env(env))
    status = wait_for_workers(lambda: master.ask_all(urls, timeout_s=2.0), options.workers, options.timeout)
    event("ready", master=status.url, workers=len(status.alive_workers))
    return 0
