"""What has changed, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .leaf import Leaf

# What a person changes comes before what follows from it.
_ORDER = ("version", "code", "value", "hints", "project", "env", "conf", "package", "runtime", "input", "parent")


def changes(old: Iterable[Leaf], new: Iterable[Leaf]) -> list[str]:
    """A sentence for each leaf that is not what it was."""
    before = {(leaf.kind, leaf.name): leaf for leaf in old}
    after = {(leaf.kind, leaf.name): leaf for leaf in new}
    both = [(each, before.get(each), after.get(each)) for each in {**before, **after}]
    changed = [entry for entry in both if entry[1] is None or entry[2] is None or entry[1].digest != entry[2].digest]
    changed = _without_echoes(changed)
    changed.sort(key=lambda entry: (_ORDER.index(entry[0][0]), entry[1] is None, entry[2] is None, entry[0][1]))
    return [_sentence(kind, name, was, now) for (kind, name), was, now in changed]


Change = tuple[tuple[str, str], Leaf | None, Leaf | None]


def _without_echoes(changed: list[Change]) -> list[Change]:
    """Leave out type hints of code that has changed itself, or has come or gone."""
    code = {name for (kind, name), _, _ in changed if kind == "code"}
    return [entry for entry in changed if not (entry[0][0] == "hints" and (entry[0][1] in code or None in entry[1:]))]


def _sentence(kind: str, name: str, was: Leaf | None, now: Leaf | None) -> str:
    note = now.note if now else was.note if was else ""
    place = f" ({note})" if note else ""
    if kind == "input" and was and now:
        return f"input {name} changed: {_difference(was.note, now.note)}"
    if kind in ("conf", "runtime", "package"):
        words = {"conf": f"conf {name} was {_shown(was)}, is {_shown(now)}"}
        return words.get(kind, f"{'package ' * (kind == 'package')}{name} {_shown(was)} → {_shown(now)}")
    if kind == "parent" and was and now:
        return f"parent {name} has other data"
    if kind == "version":
        return f"version was {_shown(was)}, is {_shown(now)}"
    what = {
        "code": f"helper {name}",
        "value": f"value {name}",
        "hints": f"a type hint of {name}",
        "project": f"a file of {name}, where all count for {note},",
        "env": f"environment variable {name}",
    }.get(kind, f"{kind} {name}")
    happened = "changed" if was and now else "is new" if now else "is gone"
    return f"{what} {happened}{place if kind == 'code' else ''}"


def _shown(leaf: Leaf | None) -> str:
    return leaf.note or "changed" if leaf else "not set" if leaf is None else ""


def _difference(was: str, now: str) -> str:
    """Of two notes like ``3 files, 120 bytes``."""
    counts = [int(match[1]) if (match := re.match(r"(\d+) files", note)) else 0 for note in (was, now)]
    more = counts[1] - counts[0]
    if more:
        return f"{abs(more)} {'file' if abs(more) == 1 else 'files'} {'more' if more > 0 else 'fewer'}"
    return "other content" if was == now else f"{was} → {now}"
