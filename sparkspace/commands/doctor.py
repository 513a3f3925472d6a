"""``sparkspace doctor``: check what a job needs, then run one."""

from __future__ import annotations

from collections.abc import Mapping

from ..cluster import doctor, roles
from . import everywhere
from .arguments import Parser, whole


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print each check that passes; the first that does not is the error."""
    parser = Parser(
        "doctor", "Check Java, Python, Spark, names, masters and workers; run a real job; compare versions."
    )
    parser.add_argument("--timeout", type=whole(1), default=180, metavar="S", help="seconds for the job; default: 180")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    for finding in doctor.examine(roles.Place.from_env(env), options.timeout):
        print(f"ok  {finding.check:<9} {finding.found}", flush=True)
    print("This cluster works.")
    return 0
