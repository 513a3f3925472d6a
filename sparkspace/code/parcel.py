"""Trees as one zip: the same bytes for the same files, wherever and whenever it is made."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .boot.homes import MANIFEST
from .boot.modules import Module, module_name, precedence
from .tree import Entry, Tree, digest

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name


@dataclass(frozen=True)
class Version:
    """The user's code at one moment. A file's name begins with its root's place: ``0/mylib/x.py``."""

    trees: tuple[tuple[int, Tree], ...]

    @cached_property
    def files(self) -> Mapping[str, Entry]:
        """Name → what it holds, of all roots."""
        return {f"{place}/{path}": entry for place, tree in self.trees for path, entry in tree.files.items()}

    @cached_property
    def digest(self) -> str:
        """Its name: a SHA-256 of all names and contents, in hex."""
        return digest(self.files)

    @cached_property
    def units(self) -> frozenset[str]:
        """The top-level packages and modules."""
        return frozenset().union(*(tree.root.units for _, tree in self.trees))

    @cached_property
    def modules(self) -> Mapping[str, Module]:
        """Dotted name → where its source is. Where two roots have one, the first wins, as on ``sys.path``."""
        found: dict[str, Module] = {}
        for _, tree in self.trees:
            for path, entry in sorted(tree.files.items(), key=lambda item: precedence(item[0])):
                name = module_name(path)
                if name:
                    found.setdefault(name, Module(str(tree.root.path / path), entry.sha256))
        return found

    @cached_property
    def data(self) -> Mapping[str, str]:
        """Name → SHA-256 of the files that are no Python source."""
        return {name: entry.sha256 for name, entry in self.files.items() if module_name(name.partition("/")[2]) is None}

    def path(self, name: str) -> Path:
        """Where a file is on this machine."""
        return self._tree(name).root.path / name.partition("/")[2]

    def read(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            Moved: it has changed since.
        """
        return self._tree(name).read(name.partition("/")[2])

    def _tree(self, name: str) -> Tree:
        place, _, path = name.partition("/")
        return next(tree for at, tree in self.trees if at == int(place) and path in tree.files)


def packed(version: Version, base: Mapping[str, Entry] | None = None) -> bytes:
    """A zip of a version: its manifest, and the files that are not in ``base`` already (all, without one).

    Raises:
        Moved: a file has changed since.
    """
    held = {entry.sha256 for entry in (base or {}).values()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        manifest = {name: entry.sha256 for name, entry in sorted(version.files.items())}
        _add(archive, MANIFEST, json.dumps(manifest, separators=(",", ":")).encode())
        for name, entry in sorted(version.files.items()):
            if entry.sha256 not in held:
                _add(archive, name, version.read(name))
    return target.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)
