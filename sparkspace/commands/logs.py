"""``sparkspace logs [--tail] [--dyno worker.1] [--num 200]``."""

from __future__ import annotations

from collections.abc import Mapping

from . import here
from .arguments import Parser, whole


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print lines of the log, and with ``--tail`` those to come."""
    parser = Parser("logs", "Show the box's log: what dynos print (app) and what the box does with them (heroku).")
    parser.add_argument("--tail", "-t", action="store_true", help="go on until Ctrl-C")
    parser.add_argument("--num", "-n", type=whole(0), default=100, help="how many lines; default: 100")
    parser.add_argument("--dyno", "-d", "--ps", "-p", default="", help="only this dyno or process type")
    parser.add_argument(
        "--source", "-s", choices=("app", "heroku"), default="", help="only what dynos print, or the rest"
    )
    options = parser.parse_args(args)
    filters = {"dyno": options.dyno, "source": options.source}
    wanted = {key: value for key, value in filters.items() if value}
    for line in here.client().logs(lines=options.num, tail=options.tail, **wanted):
        print(line, flush=options.tail)
    return 0
