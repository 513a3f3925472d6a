"""The manifest of a result: of what it is, what files it has, and whether they are still there."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from .folder import File, Folder
from .leaf import Leaf


@dataclass(frozen=True)
class Manifest:
    """A result: of what (``leaves``), and what (``files`` with their sizes, ``schema`` as Spark's JSON)."""

    name: str
    key: str
    run: str
    written_ms: int
    seconds: float
    rows: int
    data: str  # the version of the data: equal for equal rows, in whatever order
    schema: str
    files: dict[str, int]
    leaves: list[Leaf] = field(repr=False)
    fresh: str = ""  # why it would give other data each time

    @property
    def path(self) -> str:
        """The folder of its files, in the store."""
        return f"{folder_of(self.name)}/{self.key}/{self.run}"

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(self.files.values())

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps({**asdict(self), "leaves": [list(leaf) for leaf in self.leaves]}, indent=1)

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """What was stored. Raises ValueError, KeyError or TypeError if that isn't one."""
        found: dict[str, Any] = json.loads(text)
        return cls(**{**found, "leaves": [Leaf(*leaf) for leaf in found["leaves"]]})

    def damage(self, files: dict[str, File]) -> str:
        """What is wrong with its files, given all that lie beside it; "" if nothing."""
        for name, size in self.files.items():
            file = files.get(f"{self.run}/{name}")
            if file is None:
                return f"{name} was removed"
            if file.size != size:
                return f"{name} has {file.size} bytes, and was written with {size}"
        return ""


def read(folder: Folder, path: str, file: File) -> Manifest | None:
    """The manifest in a file of a folder; None if it is none."""
    return _parsed(_Source(folder), folder.url, path, file.stamp)


class _Source:
    """A folder to read from; all are equal, so that a cache looks at the rest of its arguments."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source)

    def __hash__(self) -> int:
        return 0


@functools.lru_cache(maxsize=4096)
def _parsed(source: _Source, url: str, path: str, stamp: str) -> Manifest | None:
    """Its name has the run in it, so it never changes; only its size and time would tell of a broken one."""
    try:
        return Manifest.from_json(source.folder.read(path))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def folder_of(name: str) -> str:
    """A module's folder: its name, as a path can have it."""
    return quote(name, safe="").replace(".", "%2E") if set(name) <= {"."} else quote(name, safe="")
