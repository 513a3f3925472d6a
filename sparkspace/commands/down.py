"""``sparkspace down``: close the box of this folder, or clean up after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..box import handle, record
from ..log import event
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Close the box; a box that died is cleaned up after. No box at all is no error."""
    Parser("down", "Close the box of this folder. What a box that died has left is removed.").parse_args(args)
    source = record.app_folder(Path.cwd())
    if record.is_held(source):
        handle.close(source, record.find(source))
        event("box-closed")
        return 0
    if not record.state_folder(source).exists():
        event("no-box")
        return 0
    with record.held(source):
        found = handle.clean_up(source)
    event("box-cleaned", removed="; ".join(found)) if found else event("no-box")
    return 0
