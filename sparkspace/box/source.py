"""An app's source as a dyno without a slug gets it: what a push of it would leave, as it is now."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

NOT_COPIED = (".git", ".venv", ".sparkspace", ".env", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")
IGNORE_FILE = ".slugignore"


def lay(source: Path, app: Path) -> None:
    """Give a dyno its files; what was installed beside them is a link."""
    shutil.copytree(source, app, symlinks=True, ignore=_left_out(source, (*NOT_COPIED, *ignored(source))))
    venv = source / ".venv"
    if venv.exists():
        (app / ".venv").symlink_to(venv.resolve())


def ignored(source: Path) -> list[str]:
    """The patterns of the app's ``.slugignore``, whose files Heroku removes before it builds a slug.

    One in a line, as in ``.gitignore`` but for negation: devcenter.heroku.com/articles/slug-compiler.
    """
    try:
        lines = (source / IGNORE_FILE).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    patterns = (line.strip() for line in lines if not line.startswith("#"))
    return [pattern for pattern in patterns if PurePosixPath(pattern).name]


def _left_out(source: Path, patterns: Iterable[str]) -> Callable[[str, list[str]], set[str]]:
    """For ``shutil.copytree``. A pattern that begins with a slash begins at the top; others fit in any folder."""

    def names(folder: str, within: list[str]) -> set[str]:
        place = PurePosixPath("/", os.path.relpath(folder, source))
        return {name for name in within if any((place / name).match(pattern) for pattern in patterns)}

    return names
