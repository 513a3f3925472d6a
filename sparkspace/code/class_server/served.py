"""What a class server reads from: class folders, jars, and roots of Python sources.

All are read as they are now, and a file that is just being written is waited for, never given half.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ...errors import SparkspaceError
from ..tree import RACY_NS, Entry, Moved, Watch
from . import classfile
from .manifest import is_name

LARGEST = 64 * 1024 * 1024
TRIES = 20
PAUSE_S = RACY_NS / 1e9
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
Key = tuple[int, int, int, int]


class Changing(SparkspaceError):
    """A file is being written, and has been for a while."""


class Served(Protocol):
    """A root."""

    def read(self, name: str) -> bytes | None:
        """What the file holds; None: there is none. ``name`` has passed ``is_name``.

        Raises:
            Changing: it is being written.
        """

    def files(self) -> dict[str, Entry]:
        """Name → what it holds, of all files."""


class Folder:
    """A folder with classes and resources, and what is below it. Symbolic links are not followed.

    ``strict``: ``files`` raises ``Changing`` rather than leave out what is being written.
    """

    def __init__(self, path: Path, strict: bool = False) -> None:
        self.path = path.resolve()
        self._strict = strict
        self._known: dict[str, tuple[Key, Entry]] = {}

    def read(self, name: str) -> bytes | None:
        """See ``Served``."""
        for _ in range(TRIES):
            try:
                with self._opened(name) as handle:
                    before = os.fstat(handle)
                    if not stat.S_ISREG(before.st_mode) or before.st_size > LARGEST:
                        return None
                    content = _all_of(handle)
                    if _key(os.fstat(handle)) == _key(before) and _is_whole(name, content, before):
                        return content
            except OSError:
                return None  # also a link, a folder on the way that is none, or a name too long
            time.sleep(PAUSE_S)
        raise Changing(f"{name} is being written.")

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """Folder by folder from the root, so that no link on the way leads out of it, whenever it is made."""
        *folders, last = name.split("/")
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step, flags in (*((folder, _FOLDER) for folder in folders), (last, _FILE)):
                handle, above = os.open(step, flags, dir_fd=handle), handle
                os.close(above)
            yield handle
        finally:
            os.close(handle)

    def files(self) -> dict[str, Entry]:
        """See ``Served``."""
        known = {}
        for name, key in self._walk():
            if self._known.get(name, (None,))[0] != key:
                content = None
                with contextlib.suppress(*(() if self._strict else (Changing,))):
                    content = self.read(name)
                if content is None:
                    continue
                self._known[name] = (key, _entry(content))
            known[name] = self._known[name]
        self._known = known
        return {name: entry for name, (_, entry) in known.items()}

    def _walk(self) -> Iterator[tuple[str, Key]]:
        for here, _, files in os.walk(self.path):
            above = os.path.relpath(here, self.path)
            for file in files:
                name = file if above == "." else f"{above}/{file}"
                with contextlib.suppress(OSError):
                    found = os.lstat(os.path.join(here, file))
                    if stat.S_ISREG(found.st_mode) and is_name(name):
                        yield name, _key(found)


class Jar:
    """A jar or zip: opened once, and again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock = threading.Lock()
        self._key: Key | None = None
        self._open: zipfile.ZipFile | None = None
        self._listed: dict[str, Entry] = {}

    def read(self, name: str) -> bytes | None:
        """See ``Served``. Every file in a jar has a checksum: half of one is noticed."""
        for _ in range(TRIES):
            jar = self._now()
            if jar is not None:
                with contextlib.suppress(zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
                    return _member(jar, name)
            if not self.path.exists():
                return None
            self._forget(jar)
            time.sleep(PAUSE_S)
        raise Changing(f"{self.path.name} is being written, or no jar.")

    def _now(self) -> zipfile.ZipFile | None:
        """The jar as it is now; None: it is none now."""
        with self._lock, contextlib.suppress(OSError, zipfile.BadZipFile):
            found = _key(os.stat(self.path))
            if found != self._key:
                self._open, self._key, self._listed = zipfile.ZipFile(self.path), found, {}
            return self._open
        return None

    def _forget(self, jar: zipfile.ZipFile | None) -> None:
        """It could not be read. Who still reads the old one has it open; it is closed when nobody has."""
        with self._lock:
            if jar is self._open:
                self._open, self._key = None, None

    def files(self) -> dict[str, Entry]:
        """See ``Served``."""
        jar = self._now()
        if jar is not None and not self._listed:
            names = [name for name in jar.namelist() if not name.endswith("/") and is_name(name)]
            contents = ((name, self.read(name)) for name in names)
            self._listed = {name: _entry(content) for name, content in contents if content is not None}
        return dict(self._listed)


def _member(jar: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        info = jar.getinfo(name)
    except KeyError:
        return None
    return None if info.is_dir() or info.file_size > LARGEST or info.flag_bits & 1 else jar.read(info)


class Sources:
    """The Python sources of a root: what would be shipped, and nothing else that lies there."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._folder = Folder(watch.root.path)
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes | None:
        """See ``Served``."""
        return self._folder.read(name) if name in self.files() else None

    def files(self) -> dict[str, Entry]:
        """See ``Served``."""
        with self._lock:
            try:
                found = self._watch.look().files
            except Moved as error:
                raise Changing(error.message) from None
        return {name: entry for name, entry in found.items() if is_name(name)}


def _is_whole(name: str, content: bytes, found: os.stat_result) -> bool:
    """A class says itself where it ends. Of other files, more may be to come when they were written just now."""
    if name.endswith(".class"):
        return classfile.is_whole(content)
    return not 0 <= time.time_ns() - found.st_mtime_ns < RACY_NS


def _key(found: os.stat_result) -> Key:
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns


def _all_of(handle: int) -> bytes:
    parts = []
    while part := os.read(handle, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _entry(content: bytes) -> Entry:
    return Entry(hashlib.sha256(content).hexdigest(), len(content))
