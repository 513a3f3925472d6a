"""What a build makes and the next one can use: a tree of files, with a list of their digests.

A tree that is not what it was is made anew. This finds damage, not malice: who can write into the cache can write the
list too, and builds of the app are the only ones who can.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sparkspace.log import notice

NAME = "files.json"


def tree(place: Path, make: Callable[[Path], None]) -> Path:
    """The tree that is kept at ``place``, sound.

    Args:
        place: its name says all that decides what is in it. Its neighbours are trees of earlier builds, and go.
        make: fills an empty folder. The tree takes its name only when it is whole.
    """
    if place.exists() and not is_sound(place):
        notice(f"The cache is damaged: {place.name} is made anew.")
        shutil.rmtree(place)
    if not place.exists():
        fresh = place.with_name(f"{place.name}.{os.getpid()}")
        fresh.mkdir(parents=True)
        try:
            make(fresh)
            write(fresh)
            fresh.replace(place)
            _forget(place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return place


def _forget(place: Path) -> None:
    for other in place.parent.iterdir():
        if other != place:
            shutil.rmtree(other)


def write(tree: Path) -> None:
    """List the files of a tree, in it."""
    (tree / NAME).write_text(json.dumps(_digests(tree)))


def is_sound(tree: Path) -> bool:
    """Whether a tree has exactly the files of its list, unchanged."""
    try:
        wanted = json.loads((tree / NAME).read_text())
    except (OSError, ValueError):
        return False
    return bool(wanted == _digests(tree))


def copy(tree: Path, target: Path) -> None:
    """Put the folders of a tree into a ``site-packages``, each in the place of any version that was there.

    Raises:
        OSError: a disk is full, say; what was there is still there.
    """
    fresh = target / ".sparkspace.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        shutil.copytree(tree, fresh, symlinks=True)
        (fresh / NAME).unlink()
        for source in sorted(fresh.iterdir()):
            package, _, version = source.name.partition("-")
            for old in target.glob(f"{package}-*.dist-info" if version else package):
                shutil.rmtree(old)
            source.replace(target / source.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _digests(tree: Path) -> dict[str, str]:
    """What each path is: the digest of a file with whether it can be run, or the target of a link."""
    paths = sorted(path for path in tree.rglob("*") if path != tree / NAME)
    return {str(path.relative_to(tree)): _state(path) for path in paths if path.is_symlink() or path.is_file()}


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return f"{digest(path)} {path.stat().st_mode & 0o111 != 0}"


def digest(path: Path, algorithm: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal."""
    found = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
