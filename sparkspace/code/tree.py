"""The files of a root: what they are, and whether any has changed. Looking again costs a ``stat`` a file."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pathspec

from ..errors import SparkspaceError
from .roots import Root

# Never shipped, whatever .gitignore says. (.env and its like have secrets in them.)
JUNK = pathspec.GitIgnoreSpec.from_lines(
    (".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "*.py[co]", ".*_cache", ".tox", ".nox")
    + (
        ".ipynb_checkpoints",
        ".DS_Store",
        "*.egg-info",
        ".env",
        ".env.*",
        ".idea",
        ".vscode",
        ".sparkspace",
        "*~",
        "*.swp",
    )
)
# A file system's clock is coarser than its numbers look (4 ms and more on Linux): what was written this shortly before
# it was read may change again without a new time. Git calls such an entry racy.
RACY_NS = 50_000_000
_TRIES = 5

Stat = tuple[int, int, int, int]


class Entry(NamedTuple):
    """What a file holds: its SHA-256, in hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Tree:
    """The files of a root at one moment: path, relative and with slashes → what it holds."""

    root: Root
    files: Mapping[str, Entry]

    @cached_property
    def digest(self) -> str:
        """A SHA-256 of all names and contents, in hex."""
        return digest(self.files)

    @cached_property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    def read(self, path: str) -> bytes:
        """What ``path`` holds.

        Raises:
            Moved: it has changed since.
        """
        try:
            content = (self.root.path / path).read_bytes()
        except OSError as error:
            raise Moved(f"{self.root.path / path}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != self.files[path].sha256:
            raise Moved(f"{self.root.path / path} has changed")
        return content


def digest(files: Mapping[str, Entry]) -> str:
    """The name of some files: a SHA-256 of all names and contents, in hex."""
    lines = (f"{name}\0{entry.sha256}\n" for name, entry in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Moved(SparkspaceError):
    """A file is not any more what it was when the tree was looked at. Look again."""


class Watch:
    """Looks at a root again and again."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self._stats: dict[str, Stat] = {}
        self._racy: set[str] = set()
        self._ignored = _Ignored(root.path)
        self._tree = Tree(root, {})

    def look(self) -> Tree:
        """The files as they are now: the same ``Tree`` as before if nothing has changed.

        Raises:
            Moved: files change faster than they can be read.
        """
        for _ in range(_TRIES):
            stats = self._walk()
            if stats == self._stats and not self._racy:
                return self._tree
            files = self._read(stats)
            if files is not None:
                if files != self._tree.files:
                    self._tree = Tree(self.root, files)
                self._stats = stats
                return self._tree
        raise Moved(f"Files below {self.root.path} change while they are read.", "Try again when nobody writes there.")

    def _read(self, stats: Mapping[str, Stat]) -> dict[str, Entry] | None:
        """What all files hold; only those that may have changed are read. None when one has gone meanwhile."""
        known, files = self._tree.files, {}
        racy = set()
        for path, stat in stats.items():
            if path in known and path not in self._racy and self._stats.get(path) == stat:
                files[path] = known[path]
                continue
            if time.time_ns() - max(stat[0], stat[3]) < RACY_NS:
                racy.add(path)
            try:
                content = (self.root.path / path).read_bytes()
            except OSError:
                return None
            files[path] = Entry(hashlib.sha256(content).hexdigest(), len(content))
        self._racy = racy
        return files

    def _walk(self) -> dict[str, Stat]:
        """Every file that counts, with what tells that it has changed."""
        base = str(self.root.path)
        self._ignored.refresh()
        found: dict[str, Stat] = {}
        for unit in sorted(self.root.units):
            package = os.path.join(base, unit)
            found.update(_modules(base, unit))
            if os.path.isdir(package):  # a module's data can lie in a folder of its name
                self._collect(package, unit + "/", found)
        return found

    def _collect(self, package: str, prefix: str, found: dict[str, Stat]) -> None:
        """Add what a package holds. One loop, for it runs before each action of a user's."""
        folders: list[tuple[str, str, tuple[str, ...]]] = [(package, prefix, (os.path.realpath(package),))]
        ignored = self._ignored
        while folders:
            folder, prefix, above = folders.pop()
            for entry in _entries(folder):
                path = prefix + entry.name
                is_folder = entry.is_dir()
                if ignored(path, is_folder):
                    continue
                if not is_folder:
                    if entry.is_file():
                        found[path] = _stat(entry.stat())
                    continue
                if entry.is_symlink():  # maybe to a folder above: there would be no end
                    real = os.path.realpath(entry.path)
                    if any(f"{each}/".startswith(f"{real}/") for each in above):
                        continue
                    folders.append((entry.path, path + "/", (*above, real)))
                else:
                    folders.append((entry.path, path + "/", above))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _modules(base: str, unit: str) -> Iterator[tuple[str, Stat]]:
    """The file of a top-level module: ``unit.py``, or a compiled one, ``unit.cpython-311-x86_64-linux-gnu.so``."""
    for entry in _entries(base):
        stem, _, rest = entry.name.partition(".")
        if stem == unit and (rest == "py" or rest.endswith("so")) and entry.is_file():
            yield entry.name, _stat(entry.stat())


def _stat(stat: os.stat_result) -> Stat:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns


class _Ignored:
    """Whether a path below ``root`` is left out: as junk, or by ``.gitignore``, the nearest first."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = _top(root)
        self._prefix = "" if self._top == root else root.relative_to(self._top).as_posix() + "/"
        self._decided: dict[tuple[str, bool], bool] = {}
        self._specs: dict[str, pathspec.GitIgnoreSpec | None] = {}
        self._stats: dict[str, Stat | None] = {}

    def refresh(self) -> None:
        """Forget what was decided if a ``.gitignore`` has come, gone or changed."""
        if any(_stat_of(self._file(folder)) != stat for folder, stat in self._stats.items()):
            self._decided.clear()
            self._specs.clear()
            self._stats.clear()

    def __call__(self, path: str, is_folder: bool) -> bool:
        try:
            return self._decided[path, is_folder]
        except KeyError:
            decided = self._decide(self._prefix + path + ("/" if is_folder else ""))
            return self._decided.setdefault((path, is_folder), decided)

    def _decide(self, path: str) -> bool:
        if JUNK.match_file(path.removeprefix(self._prefix)):
            return True
        folder = path.rstrip("/")
        while folder:
            folder = folder.rpartition("/")[0]
            spec = self._spec(folder)
            below = path[len(folder) + 1 :] if folder else path
            include = spec.check_file(below).include if spec else None
            if include is not None:
                return bool(include)
        return False

    def _spec(self, folder: str) -> pathspec.GitIgnoreSpec | None:
        if folder not in self._specs:
            file = self._file(folder)
            self._stats[folder] = _stat_of(file)
            self._specs[folder] = None
            if self._stats[folder]:
                with open(file, encoding="utf-8", errors="replace") as lines:
                    self._specs[folder] = pathspec.GitIgnoreSpec.from_lines(lines)
        return self._specs[folder]

    def _file(self, folder: str) -> str:
        return os.path.join(self._top, folder, ".gitignore")


def _stat_of(file: str) -> Stat | None:
    try:
        return _stat(os.stat(file))
    except OSError:
        return None


def _top(folder: Path) -> Path:
    """The working tree of Git that ``folder`` lies in; ``folder`` itself if there is none."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
