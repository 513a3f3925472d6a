"""The formation: how many dynos of each process type, of which size, a box begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import BoxError, UsageError
from .sizes import DEFAULT, canonical


@dataclass(frozen=True)
class Process:
    """A line of the formation."""

    type: str
    command: str
    quantity: int
    size: str


def first_formation(
    procfile: Mapping[str, str], folder: Path, quantities: Mapping[str, int], sizes: Mapping[str, str]
) -> list[Process]:
    """The formation to start with: quantities as asked for, else those of ``app.json``, else one web dyno and no other.

    Raises:
        UsageError: a quantity or size is for a process type that the Procfile has not, or no size.
        BoxError: ``app.json`` is no JSON.
    """
    for type in [*quantities, *sizes]:
        if type not in procfile:
            raise UsageError(f"The Procfile has no process type {type!r}.", f"It has: {', '.join(procfile)}")
    usual = {"web": 1, **app_json_quantities(folder)}
    return [
        Process(type, command, quantities.get(type, usual.get(type, 0)), canonical(sizes.get(type, DEFAULT)))
        for type, command in procfile.items()
    ]


def app_json_quantities(folder: Path) -> dict[str, int]:
    """Process type → quantity, as the app's own ``app.json`` has it.

    Raises:
        BoxError: it is no JSON, or not of that shape.
    """
    path = folder / "app.json"
    if not path.is_file():
        return {}
    try:
        lines = json.loads(path.read_text(encoding="utf-8")).get("formation", {})
        return {type: int(line["quantity"]) for type, line in lines.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BoxError(f"{path} can't be read: {error}", "Mend its formation.") from error
