"""``sparkspace status``: masters, workers, applications, and what has been pushed."""

from __future__ import annotations

from collections.abc import Mapping

from .. import topology
from ..cluster import class_server, master, report
from ..config import Dyno, Settings
from . import bill, everywhere
from .arguments import Parser

DESCRIPTION = """\
Show masters with their state, workers with cores and memory, running applications, what has been pushed, and, where
there is a token of the API (in a box always), what the dynos cost on Heroku."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print the cluster's state. 69 when no master is ALIVE."""
    parser = Parser("status", DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args, with_token=True)
    dyno, settings = Dyno.from_env(env), Settings.from_env(env)
    masters = master.ask_all(topology.master_ui_urls(dyno, settings))
    pushes = class_server.pushes(dyno, settings)
    dynos = bill.of(env, dyno.app_name, settings)
    print(report.as_json(masters, pushes, dynos) if options.json else report.as_text(masters, pushes, dynos))
    return 0 if master.leader(masters) else 69
