"""``sparkspace doctor``: check what a job needs, then run one; or show where the time of a start goes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ..cluster import doctor, roles
from . import everywhere, timing
from .arguments import Parser, whole

DESCRIPTION = """\
Check Java, Python, Spark, names, masters and workers; run a real job; compare versions.

With --timing, in place of the checks: start a master, a worker and a job, all in this dyno and apart from the cluster
that runs, and show when each step of the start began and ended. Nothing of it is left."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print each check that passes; the first that does not is the error."""
    options = parse(args)
    if options.timing:
        return timing.run(name, options, env)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    for finding in doctor.examine(roles.Place.from_env(env), options.timeout):
        print(f"ok  {finding.check:<9} {finding.found}", flush=True)
    print("This cluster works.")
    return 0


def parse(args: list[str]) -> argparse.Namespace:
    """The options.

    Raises:
        UsageError: one can't be taken.
    """
    parser = Parser("doctor", DESCRIPTION)
    parser.add_argument(
        "--timeout",
        type=whole(1),
        default=180,
        metavar="S",
        help="seconds for the job, or for all of a start; default: 180",
    )
    parser.add_argument("--timing", action="store_true", help="show the steps of a start, and check nothing")
    parser.add_argument("--svg", default="", metavar="FILE", help="with --timing: the picture of it; - for stdout")
    parser.add_argument("--json", action="store_true", help="with --timing: as JSON, for programs")
    options = parser.parse_args(args)
    if (options.svg or options.json) and not options.timing:
        parser.error("--svg and --json belong to --timing")
    if options.svg == "-" and options.json:
        parser.error("--json and --svg - would both be on stdout")
    return options
