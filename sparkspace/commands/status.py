"""``sparkspace status``: masters, workers and applications."""

from __future__ import annotations

from collections.abc import Mapping

from .. import topology
from ..cluster import master, report
from ..config import Dyno, Settings
from . import everywhere
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print the cluster's state. 69 when no master is ALIVE."""
    parser = Parser("status", "Show masters with their state, workers with cores and memory, and running applications.")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    masters = master.ask_all(topology.master_ui_urls(Dyno.from_env(env), Settings.from_env(env)))
    print(report.as_json(masters) if options.json else report.as_text(masters))
    return 0 if master.leader(masters) else 69
