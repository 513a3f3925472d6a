"""The launchers, the templates and the package, laid into somebody else's app. What the app has is the app's."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import BuildError

API = ("detect", "compile", "release", "report")


def refuse_conflicts(source: Path, app: Path) -> None:
    """See that all can be laid into the app, before anything is.

    Raises:
        BuildError: the app has something else where the launchers need a folder, or another package of our name.
    """
    for name in ("bin", "conf-templates", "sparkspace"):
        folder = app / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise BuildError(
                f"The app's {name} is not a folder, and the launchers need one.", "Give yours another name."
            )
    alien = (app / "sparkspace").exists() and not _is_ours(source / "sparkspace", app / "sparkspace")
    if alien or (app / "sparkspace.py").exists():
        what = "folder sparkspace" if alien else "module sparkspace.py"
        raise BuildError(
            f"The app has a {what} of its own, and the launchers need theirs there.", "Give yours another name."
        )


def lay(source: Path, app: Path) -> list[str]:
    """Copy what a dyno needs into an app, where it has no file of that name.

    Args:
        source: this repository.
        app: the app's folder. This repository itself needs nothing.

    Returns:
        What was done, a line a file; the package is one.
    """
    said = [_put(source, app, path) for path in files(source)]
    missing = [path for path in _package(source) if not (app / path).exists()]
    for path in missing:
        _copy(source / path, app / path)
    package = f"added {len(missing)} files of the package sparkspace" if missing else "the package sparkspace is there"
    return [*said, package]


def files(source: Path) -> list[Path]:
    """The launchers and templates, relative to the repository."""
    launchers = [path for path in (source / "bin").iterdir() if path.name not in API]
    templates = (source / "conf-templates").glob("*.j2")
    return sorted(path.relative_to(source) for path in [*launchers, *templates])


def _put(source: Path, app: Path, path: Path) -> str:
    if not (app / path).exists() and not (app / path).is_symlink():
        _copy(source / path, app / path)
        return f"added {path}"
    same = (app / path).is_file() and filecmp.cmp(source / path, app / path, shallow=False)
    return f"{path} is there" if same else f"kept the app's own {path}: ours is not used"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _package(source: Path) -> Iterator[Path]:
    for path in sorted((source / "sparkspace").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(source)


def _is_ours(ours: Path, theirs: Path) -> bool:
    """Whether every file of theirs is one of ours, unchanged: this repository, or a build on top of a build."""
    found = [path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return all((ours / path).is_file() and filecmp.cmp(ours / path, theirs / path, shallow=False) for path in found)
