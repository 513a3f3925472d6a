"""What a release has to serve: class folders and jars, and roots of Python sources."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from ..tree import Entry
from . import manifest
from .manifest import Json
from .served import Served


class Release:
    """``roots``: ``classes`` and ``python`` → where to look, in this order. ``name``: as Heroku calls it, or empty."""

    def __init__(self, roots: Mapping[str, Sequence[Served]], name: str = "") -> None:
        self._roots = roots
        self.name = name
        self._places: dict[str, tuple[Served, str]] = {}

    def read(self, kind: str, name: str) -> bytes | None:
        """What a file holds; None: no root has it.

        Raises:
            Changing: it is being written.
        """
        if not manifest.is_name(name):
            return None
        contents = (root.read(name) for root in self._roots.get(kind, ()))
        return next((content for content in contents if content is not None), None)

    def listed(self) -> Json:
        """All files, by kind. Of two with one name, the first root's, as in a class path."""
        found: Json = {}
        for kind, roots in self._roots.items():
            files: dict[str, Entry] = {}
            for root in roots:
                for name, entry in root.files().items():
                    files.setdefault(name, entry)
                    self._places[entry.sha256] = (root, name)
            found[kind] = manifest.as_json(files)
        return found

    def content(self, sha256: str) -> bytes | None:
        """What has this SHA-256, from where it was seen last, or is now; None: nothing has."""
        found = self._placed(sha256)
        if found is None:
            self.listed()
            found = self._placed(sha256)
        return found

    def _placed(self, sha256: str) -> bytes | None:
        root, name = self._places.get(sha256, (None, ""))
        content = root.read(name) if root else None
        return content if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None
