"""A dyno's disk: an empty /tmp, and a copy of its app. What a dyno writes is its own, and gone with it."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from . import slug, source


def make(folder: Path, code: Path, *, is_slug: bool) -> None:
    """Make ``folder``, with ``app``, a copy of the files in ``code`` as they are now.

    Raises:
        OSError, shutil.Error: it can't be made; a full disk, most likely.
    """
    if not folder.parent.exists():
        folder.parent.mkdir()
        _spread(folder.parent)
    for name in ("tmp", "root"):
        (folder / name).mkdir(parents=True)
    (slug if is_slug else source).lay(code, folder / "app")


def _spread(dynos: Path) -> None:
    """Have ext4 give each dyno's disk a part of the machine's for itself (``man chattr``, T).

    Before it gives an inode away, it looks at each of the same block group that was freed in the last minutes
    (``recently_deleted`` in ``fs/ext4/ialloc.c``). All in one group, a copy took ten times as long after a few
    restarts. Other file systems know nothing of it, and need it not.
    """
    with contextlib.suppress(FileNotFoundError):  # a container may lack the command
        subprocess.run(["chattr", "+T", str(dynos)], stderr=subprocess.DEVNULL, check=False)
