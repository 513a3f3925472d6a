"""Results on a disk or in a bucket: ``NAME/KEY/RUN/part-….parquet``, and ``NAME/KEY/RUN.json``, which says so.

A run writes into a folder of its own, and its manifest comes last and at once. Nothing is ever overwritten. So a run
that was killed has left files that nobody looks at, and two runs of one key don't meet: the older one's is read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .folder import File, Folder
from .manifest import Manifest, folder_of, read

USED_EVERY_MS = 3_600_000  # how often a use is noted
_MANIFEST = re.compile(r"[^/]+\.json")


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
            manifest = read(self.folder, f"{path}/{each}", files[each])
            wrong = manifest.damage(files) if manifest else f"{each} can't be read"
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
            manifest = read(self.folder, f"{base}/{path}", files[path])
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
        marks = sorted(name for name in run.files if name.startswith("."))  # with what was never renamed to one
        for name in [".json", "", *marks]:
            self.folder.remove(run.path + name)


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
