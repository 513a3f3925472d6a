"""Files by their content: a folder in which each is named by its SHA-256, and folders that are made of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..tree import Entry


class Blobs:
    """Contents below ``folder``. One that is there is whole: it gets its name when it has been written."""

    def __init__(self, folder: Path) -> None:
        self._contents = folder / "contents"
        self._trees = folder / "trees"
        self._new = folder / "new"
        for each in (self._contents, self._trees, self._new):
            each.mkdir(parents=True, exist_ok=True)
        self._written: dict[str, tuple[int, int]] = {}

    def has(self, entry: Entry) -> bool:
        """Whether it is here, and as large as it is said to be."""
        with contextlib.suppress(OSError):
            return (self._contents / entry.sha256).stat().st_size == entry.size
        return False

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        with os.scandir(self._contents) as found:
            return sum(entry.stat().st_size for entry in found)

    def put(self, sha256: str, content: bytes) -> None:
        """Keep what has been seen to have this SHA-256."""
        if self.has(Entry(sha256, len(content))):
            return
        handle, temporary = tempfile.mkstemp(dir=self._new)
        with open(handle, "wb") as file:
            file.write(content)
        found = os.stat(temporary)
        self._written[sha256] = (found.st_mtime_ns, found.st_size)
        os.replace(temporary, self._contents / sha256)

    def get(self, sha256: str) -> bytes | None:
        """What has this SHA-256; None: it is not here, or somebody has changed it."""
        with contextlib.suppress(OSError):
            content = (self._contents / sha256).read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                return content
        return None

    def tree(self, version: str, files: Mapping[str, Entry]) -> Path | None:
        """A folder with these files, which gets its name when it is complete; None: one is not here (any more).

        They are links to the contents. Who overwrites one in place has changed it in all versions, but is found out
        before it gets into another.
        """
        target = self._trees / version
        if target.is_dir():
            return target
        if not all([self._is_untouched(entry.sha256) for entry in files.values()]):
            return None
        temporary = tempfile.mkdtemp(dir=self._new)
        folders = {temporary}
        for name, entry in files.items():
            path = f"{temporary}/{name}"
            folder = os.path.dirname(path)
            if folder not in folders:
                os.makedirs(folder, exist_ok=True)
                folders.add(folder)
            os.link(self._contents / entry.sha256, path)
        os.replace(temporary, target)
        return target

    def _is_untouched(self, sha256: str) -> bool:
        """Whether nobody has written there since we did. Who has, is undone."""
        path = self._contents / sha256
        with contextlib.suppress(OSError):
            found = os.stat(path)
            if self._written.get(sha256) == (found.st_mtime_ns, found.st_size):
                return True
        path.unlink(missing_ok=True)
        return False

    def keep(self, contents: Iterable[str], trees: Iterable[str] = ()) -> None:
        """Remove everything else."""
        wanted, versions = set(contents), set(trees)
        for name in os.listdir(self._contents):
            if name not in wanted:
                (self._contents / name).unlink(missing_ok=True)
                self._written.pop(name, None)
        for name in os.listdir(self._trees):
            if name not in versions:
                shutil.rmtree(self._trees / name, ignore_errors=True)
