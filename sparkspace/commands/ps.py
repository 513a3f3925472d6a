"""``sparkspace ps``: the dynos of the box, as ``heroku ps`` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from . import here
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print every process type that has dynos."""
    parser = Parser("ps", "List the dynos of the box.")
    parser.add_argument("type", nargs="*", help="only these process types")
    types = parser.parse_args(args).type
    dynos = [dyno for dyno in here.client().dynos() if not types or dyno["type"] in types]
    for type in dict.fromkeys(dyno["type"] for dyno in dynos):
        print(section([dyno for dyno in dynos if dyno["type"] == type]))
    return 0


def section(dynos: list[dict[str, Any]]) -> str:
    """One process type: its size and command, then a line each dyno. One-off dynos have each a command of their own."""
    first = dynos[0]
    dynos = sorted(dynos, key=lambda dyno: int(dyno["name"].partition(".")[2]))
    if first["type"] == "run":
        rows = [f"{line(dyno)}: {dyno['command']}" for dyno in dynos]
        return "\n".join([f"=== run: one-off processes ({len(dynos)})", "", *rows, ""])
    head = f"=== {first['type']} ({first['size']}): {first['command']} ({len(dynos)})"
    return "\n".join([head, "", *map(line, dynos), ""])


def line(dyno: dict[str, Any]) -> str:
    """``worker.1: up 2026/11/21 10:00:00 +0000 (~ 5m ago)``."""
    since = datetime.strptime(dyno["updated_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return f"{dyno['name']}: {dyno['state']} {since:%Y/%m/%d %H:%M:%S %z} (~ {ago(since)} ago)"


def ago(since: datetime) -> str:
    """Seconds, minutes or hours."""
    seconds = int((datetime.now(timezone.utc) - since).total_seconds())
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m" if seconds < 3600 else f"{seconds // 3600}h"
