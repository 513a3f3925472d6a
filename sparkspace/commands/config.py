"""``sparkspace config``, ``config:get``, ``config:set``, ``config:unset``: the box's config vars."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from ..errors import UsageError
from ..log import event
from . import here
from .arguments import Parser, assignment


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Dispatch on the word."""
    return {"config": show, "config:get": get, "config:set": set_vars, "config:unset": unset}[name](name, args)


def show(name: str, args: list[str]) -> int:
    """Print all of them, as ``heroku config`` does: this is how an operator reads them, secrets too."""
    parser = Parser(name, "Show the box's config vars. Change them with config:set NAME=value and config:unset NAME.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", "-j", action="store_true", help="as JSON")
    form.add_argument("--shell", "-s", action="store_true", help="as lines of shell")
    options = parser.parse_args(args)
    config = dict(sorted(here.client().config().items()))
    if options.json:
        print(json.dumps(config, indent=2))
        return 0
    width = max(map(len, config), default=0) + 1
    for key, value in config.items():
        print(f"{key}={shlex.quote(value)}" if options.shell else f"{key + ':':<{width}} {value}")
    return 0


def get(name: str, args: list[str]) -> int:
    """Print values, one a line; one that is not set is an empty line."""
    parser = Parser(name, "Print the value of config vars.")
    parser.add_argument("var", nargs="+")
    names = parser.parse_args(args).var
    config = here.client().config()
    for var in names:
        print(config.get(var, ""))
    return 0


def set_vars(name: str, args: list[str]) -> int:
    """Set them in one release; every dyno restarts."""
    parser = Parser(name, "Set config vars. One release; every dyno is restarted.")
    parser.add_argument("change", nargs="+", type=assignment, metavar="NAME=value")
    return _change(dict(parser.parse_args(args).change))


def unset(name: str, args: list[str]) -> int:
    """Remove them in one release; every dyno restarts."""
    parser = Parser(name, "Remove config vars. One release; every dyno is restarted.")
    parser.add_argument("var", nargs="+")
    names = parser.parse_args(args).var
    if any("=" in var for var in names):
        raise UsageError("config:unset takes names, without a value.", "Write it like: config:unset LOG_LEVEL")
    return _change(dict.fromkeys(names))


def _change(changes: Mapping[str, str | None]) -> int:
    client = here.client()
    client.configure(changes)
    event("configured", vars=",".join(changes), release=f"v{client.releases()[-1]['version']}")
    return 0
