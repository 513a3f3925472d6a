"""Imports that happen while a function runs: by then, it can't be known any more for which version it was made."""

from __future__ import annotations

from .parcel import Version
from .syntax import late


def first(version: Version) -> str:
    """The first place where the project imports a part of itself inside a function, ``file:line``; empty if nowhere."""
    for name, module in sorted(version.modules.items()):
        lines = [
            line for line, names in late(module, name) if {each.partition(".")[0] for each in names} & version.units
        ]
        if lines:
            return f"{module.file}:{min(lines)}"
    return ""
