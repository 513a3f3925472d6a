"""``sparkspace conf``: the conf files that a Spark process of this dyno would get."""

from __future__ import annotations

from collections.abc import Mapping

from .. import redaction
from ..cluster import drivers, roles
from . import everywhere
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print the rendered files, secrets masked."""
    parser = Parser("conf", "Show the conf files that would be rendered, secrets masked.")
    parser.add_argument("--role", choices=("driver", "daemon", "history"), default="driver", help="default: driver")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args)
    place = roles.Place.from_env(env)
    if options.role == "driver":
        files = roles.driver_conf(place, drivers.executor(place))
    else:
        files = roles.daemon_conf(place, options.role)
    for file, text in files.items():
        print(f"# === {file}\n{redaction.masked(text)}")
    return 0
