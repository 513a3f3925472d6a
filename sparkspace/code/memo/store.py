"""Results on a disk or in a bucket: ``NAME/KEY/RUN/part-….parquet``, and ``NAME/KEY/RUN.json``, which says so.

A run writes into a folder of its own, and its manifest comes last and at once. Nothing is ever overwritten. So a run
that was killed has left files that nobody looks at, and two runs of one key don't meet: the older one's is read.
"""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from .folder import File, Folder
from .leaf import Leaf

USED_EVERY_MS = 3_600_000  # how often a use is noted
_MANIFEST = re.compile(r"[^/]+\.json")


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


@dataclass(frozen=True)
class Found:
    """A result that can be read, or none; ``problem`` says what is wrong with one that can't."""

    manifest: Manifest | None
    problem: str = ""


class Store:
    """All results. What this process has read or written stays (``held``): its queries may still need the files."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    @property
    def held(self) -> set[str]:
        """The paths of runs that this process uses."""
        return _HELD.setdefault(self.folder.url, set())

    def find(self, name: str, key: str) -> Found:
        """The oldest whole result of a key."""
        path = f"{folder_of(name)}/{key}"
        files = self.folder.files(path)
        problem = ""
        for each in sorted(filter(_MANIFEST.fullmatch, files)):
            manifest = self._read(f"{path}/{each}", files[each])
            wrong = _wrong(manifest, files) if manifest else f"{each} can't be read"
            if not wrong:
                return Found(manifest)
            problem = problem or wrong
        return Found(None, problem)

    def latest(self, name: str) -> Manifest | None:
        """The last result of a module that was written, whatever its key and state."""
        base = folder_of(name)
        files = self.folder.files(base)
        manifests = [path for path in files if re.fullmatch(r"[0-9a-f]+/[^/]+\.json", path)]
        for path in sorted(manifests, key=lambda path: path.rpartition("/")[2], reverse=True):
            manifest = self._read(f"{base}/{path}", files[path])
            if manifest:
                return manifest
        return None

    def url_of(self, manifest: Manifest) -> str:
        """Where Spark reads it."""
        return f"{self.folder.url}/{manifest.path}"

    def commit(self, manifest: Manifest) -> None:
        """Make it known."""
        self.folder.write(f"{manifest.path}.json", manifest.to_json().encode())
        self.held.add(manifest.path)

    def use(self, manifest: Manifest) -> None:
        """Note that it is in use: here, and for others to see."""
        self.held.add(manifest.path)
        mark = f"{self.folder.url}/{manifest.path}.used"
        now = time.time() * 1000
        if now - _USED.get(mark, 0) > USED_EVERY_MS:
            _USED[mark] = now
            self.folder.write(f"{manifest.path}.used", b"")

    def pin(self, manifest: Manifest, is_pinned: bool = True) -> None:
        """Keep a result whatever its age, or not any longer."""
        path = f"{manifest.path}.pin"
        self.folder.write(path, b"") if is_pinned else self.folder.remove(path)

    def runs(self) -> Iterator[Run]:
        """Every run there is, whole or not."""
        files: dict[str, dict[str, File]] = {}
        for path, file in self.folder.files().items():
            match = re.match(r"([^/]+/[0-9a-f]+/[0-9]+-[0-9a-f]+)([./].*)", path)
            if match:
                files.setdefault(match[1], {})[match[2]] = file
        for run, parts in files.items():
            yield Run(run, parts)

    def remove(self, run: Run) -> None:
        """Remove a run. Its manifest goes first, so that nobody begins to read it."""
        for path in (f"{run.path}.json", run.path, f"{run.path}.used", f"{run.path}.pin"):
            self.folder.remove(path)

    def _read(self, path: str, file: File) -> Manifest | None:
        return _parsed(_Source(self.folder), self.folder.url, path, file.stamp)


_HELD: dict[str, set[str]] = {}
_USED: dict[str, float] = {}


@dataclass(frozen=True)
class Run:
    """What lies below a run's path: its files (``/…``), manifest (``.json``) and marks."""

    path: str
    files: dict[str, File]

    @property
    def is_whole(self) -> bool:
        """Whether it has a manifest."""
        return ".json" in self.files

    @property
    def is_pinned(self) -> bool:
        """Whether somebody wants it kept."""
        return ".pin" in self.files

    @property
    def size(self) -> int:
        """Bytes of everything."""
        return sum(file.size for file in self.files.values())

    @property
    def last_ms(self) -> int:
        """When it was last written to, or last noted as used."""
        return max(file.written_ms for file in self.files.values())


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


def _wrong(manifest: Manifest, files: dict[str, File]) -> str:
    """What is wrong with a result's files, given all that lie beside its manifest."""
    for name, size in manifest.files.items():
        file = files.get(f"{manifest.run}/{name}")
        if file is None:
            return f"{name} was removed"
        if file.size != size:
            return f"{name} has {file.size} bytes, and was written with {size}"
    return ""


def folder_of(name: str) -> str:
    """A module's folder: its name, as a path can have it."""
    return quote(name, safe="").replace(".", "%2E") if set(name) <= {"."} else quote(name, safe="")
