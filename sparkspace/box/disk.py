"""A dyno's disk: an empty /tmp, and a copy of its app. What a dyno writes is its own, and gone with it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from . import slug

NOT_COPIED = (".git", ".venv", ".sparkspace", ".env", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def make(folder: Path, source: Path, *, is_slug: bool) -> None:
    """Make ``folder``, with ``app``, a copy of the files in ``source`` as they are now.

    Raises:
        OSError, shutil.Error: it can't be made; a full disk, most likely.
    """
    if not folder.parent.exists():
        folder.parent.mkdir()
        _spread(folder.parent)
    for name in ("tmp", "root"):
        (folder / name).mkdir(parents=True)
    (slug.lay if is_slug else _copy)(source, folder / "app")


def _copy(source: Path, app: Path) -> None:
    """The app's files; what was installed beside them is a link."""
    shutil.copytree(source, app, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    venv = source / ".venv"
    if venv.exists():
        (app / ".venv").symlink_to(venv.resolve())


def _spread(dynos: Path) -> None:
    """Have ext4 look for room far away for each dyno's disk (``man chattr``, T).

    Without a journal, as on many a virtual machine, it looks at each inode of a block group that was freed in the last
    minutes before it gives one away (``recently_deleted`` in ``fs/ext4/ialloc.c``): all in one group, copies took
    longer with each restart. Others do no such thing, and lose nothing.
    """
    with contextlib.suppress(OSError):  # a container may lack the command
        subprocess.run(["chattr", "+T", str(dynos)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
