"""What is pushed: the Python packages and modules of some folders, and the classes of others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import UsageError
from .. import roots, tree
from ..class_server.manifest import CLASSES, PYTHON
from ..class_server.served import Changing, Folder
from ..compiled import class_folders
from ..roots import Root
from ..tree import Entry, Moved, Watch

# Of a project without src/: what lies beside its packages and is none of them.
NOT_CODE = frozenset({"setup", "conftest", "noxfile", "tests", "test", "docs", "target", "build", "dist"})


@dataclass(frozen=True)
class Snapshot:
    """All files at one moment, and where each of them is."""

    files: Mapping[str, Entry]
    places: Mapping[str, tuple[Watch | Folder, str]] = field(repr=False)

    @property
    def digest(self) -> str:
        """The version's name."""
        return tree.digest(self.files)

    def read(self, name: str) -> bytes:
        """What a file holds.

        Raises:
            Moved: it has changed since.
        """
        place, below = self.places[name]
        try:
            content = (place.root.path / below).read_bytes() if isinstance(place, Watch) else place.read(below)
        except (OSError, Changing):
            content = None
        if content is None or hashlib.sha256(content).hexdigest() != self.files[name].sha256:
            raise Moved(f"{below} has changed while it was pushed.", "Try again.")
        return content


class Source:
    """Looks at folders again and again: ``python`` roots, and folders of ``classes``."""

    def __init__(self, python: Iterable[Root], classes: Iterable[Path]) -> None:
        self.watches = [Watch(root) for root in python]
        self.folders = [Folder(path, strict=True) for path in classes]

    def look(self) -> Snapshot:
        """The files as they are now.

        Raises:
            Moved: they change while they are read.
            UsageError: two folders have a file of the same name.
        """
        files: dict[str, Entry] = {}
        places: dict[str, tuple[Watch | Folder, str]] = {}
        for prefix, place, found in self._found():
            for below, entry in found.items():
                name = prefix + below
                if name in places and files[name] != entry:
                    raise UsageError(f"{below} is in two of the folders, and differs.", "Push one of them.")
                files[name], places[name] = entry, (place, below)
        return Snapshot(files, places)

    def _found(self) -> Iterable[tuple[str, Watch | Folder, Mapping[str, Entry]]]:
        for watch in self.watches:
            yield PYTHON, watch, watch.look().files
        for folder in self.folders:
            try:
                yield CLASSES, folder, folder.files()
            except Changing as error:
                raise Moved(error.message) from None

    def described(self) -> str:
        """What is looked at, for people."""
        python = sorted(unit for watch in self.watches for unit in watch.root.units)
        return ", ".join([*python, *(str(folder.path) for folder in self.folders)])


def find(folders: Iterable[Path], here: Path, env: Mapping[str, str]) -> Source:
    """What ``folders`` have, or the project of ``here`` without any.

    Raises:
        UsageError: there is no such folder, or no code.
    """
    named = [folder.resolve() for folder in folders]
    for folder in named:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.")
    python = [root for folder in named if not has_classes(folder) for root in [root_of(folder, named=True)]]
    classes = [folder for folder in named if has_classes(folder)]
    if not named:
        project = roots.project(here) or here
        home = project.parent if project.name == "src" else project
        python, classes = [root_of(project)], [folder for folder in class_folders(env, home) if folder.is_dir()]
    found = Source([root for root in python if root.units], classes)
    if not found.watches and not found.folders:
        where = ", ".join(map(str, named)) or str(here)
        raise UsageError(f"There is no Python package and no class in {where}.", "bin/sparkspace push FOLDER…")
    return found


def has_classes(folder: Path) -> bool:
    """Whether a compiler has put something there."""
    return next(folder.rglob("*.class"), None) is not None


def root_of(folder: Path, named: bool = False) -> Root:
    """The root that a folder is, or that its package belongs to."""
    if (folder / "__init__.py").is_file():
        above = roots.outermost(folder / "__init__.py")
        return Root(above, frozenset({folder.relative_to(above).parts[0]}))
    units = frozenset(roots.packages(folder)) - roots.NOT_THE_USERS
    if named or folder.name == "src":
        return Root(folder, units)
    own = {unit for unit in units if (folder / f"{unit}.py").is_file() or (folder / unit / "__init__.py").is_file()}
    return Root(folder, frozenset(own - NOT_CODE))
