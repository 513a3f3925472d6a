"""What the key of a result is made of: leaves, each with a name that a person knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Leaf(NamedTuple):
    """One thing that a result depends on. ``digest`` counts; ``note`` (a place, a value to show) does not."""

    kind: str  # code, hints, value, project, package, runtime, conf, env, input, parent, version
    name: str
    digest: str
    note: str = ""


def digest(*parts: str) -> str:
    """A SHA-256 of texts, in hex; where one ends and the next begins counts."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")).hexdigest()


def key(leaves: Iterable[Leaf]) -> str:
    """The key of all of them, 40 hex digits of a SHA-256, whatever their order and notes."""
    return digest(*(part for leaf in sorted(leaves) for part in leaf[:3]))[:40]
