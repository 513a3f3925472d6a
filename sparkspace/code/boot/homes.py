"""The folders of an executor's versions: made whole, checked, locked while somebody runs them, and removed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from typing import Any

from .codes import code_name
from .tasks import Other

MANIFEST = "MANIFEST.json"
WRITTEN = 315532800  # the time of every file of a version: another one has been written since (1980, as in the zip)
KEPT = 8  # folders of older versions, for functions that were made with them


def folder() -> str:
    """This executor's own folder for code; it goes with the executor."""
    files = sys.modules.get("pyspark.core.files") or sys.modules.get("pyspark.files")
    root = getattr(getattr(files, "SparkFiles", None), "_root_directory", None) or tempfile.gettempdir()
    return os.path.join(os.path.realpath(root), "sparkspace")


def unpack(base: str, digest: str, parcels: Any) -> tuple[str, io.IOBase]:  # noqa: ANN401  # Broadcasts
    """The folder of a version, complete and checked, and a lock that keeps it from being removed.

    ``parcels`` are broadcasts: of the version, and of the one that it builds upon, if it has not all files itself.
    """
    home = os.path.join(base, digest)
    while True:
        with contextlib.suppress(OSError):  # another worker may be removing it just now
            lock = open(os.path.join(home, ".lock"), "rb")
            fcntl.flock(lock, fcntl.LOCK_SH)
            if intact(home):
                os.utime(home)
                return home, lock
            lock.close()
        discard(home)
        build(base, digest, parcels)


def intact(home: str) -> bool:
    """Whether a folder has all files of its version, and nobody has written into one."""
    try:
        with open(os.path.join(home, MANIFEST), "rb") as file:
            return all(os.stat(os.path.join(home, name)).st_mtime == WRITTEN for name in json.load(file))
    except (OSError, ValueError):
        return False


def discard(home: str) -> None:
    """Remove a version's folder, if there is one, at once for everybody."""
    if not os.path.isdir(home):
        return
    aside = tempfile.mkdtemp(prefix=".bad-", dir=os.path.dirname(home))
    with contextlib.suppress(OSError):  # somebody else was faster
        os.rename(home, os.path.join(aside, "home"))
    shutil.rmtree(aside, ignore_errors=True)


def build(base: str, digest: str, parcels: Any) -> None:  # noqa: ANN401
    """Write a version's folder, and give it its name when it is complete."""
    os.makedirs(base, exist_ok=True)
    parcel, rest = parcels[0].value, parcels[1:]
    below = unpack(base, rest[0].value["digest"], rest) if rest else ("", None)
    temporary = tempfile.mkdtemp(prefix=".new-", dir=base)
    try:
        with zipfile.ZipFile(io.BytesIO(parcel["zip"])) as archive:
            fill(temporary, archive, below[0])
        refuse_damage(temporary, digest)
        open(os.path.join(temporary, ".lock"), "wb").close()
        with contextlib.suppress(OSError):  # somebody else was faster
            os.rename(temporary, os.path.join(base, digest))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if below[1]:
            below[1].close()
    prune(base)


def fill(home: str, archive: zipfile.ZipFile, below: str) -> None:
    """Put every file of a version into ``home``: from the archive, or, unchanged, from the folder ``below``."""
    manifest = json.loads(archive.read(MANIFEST))
    held = set(archive.namelist())
    sources = {}
    if below:
        with open(os.path.join(below, MANIFEST), "rb") as file:
            sources = {sha256: name for name, sha256 in json.load(file).items()}
    for name, sha256 in manifest.items():
        target = os.path.join(home, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if name in held:
            with open(target, "wb") as file:
                file.write(archive.read(name))
            os.utime(target, (WRITTEN, WRITTEN))
        else:
            os.link(os.path.join(below, sources[sha256]), target)
    with open(os.path.join(home, MANIFEST), "w") as text:
        json.dump(manifest, text)


def refuse_damage(home: str, digest: str) -> None:
    """Check what was unpacked against the version's name.

    Raises:
        Other: it is something else.
    """
    with open(os.path.join(home, MANIFEST), "rb") as file:
        manifest = json.load(file)
    lines = []
    for name in sorted(manifest):
        with open(os.path.join(home, name), "rb") as file:
            lines.append(f"{name}\0{hashlib.sha256(file.read()).hexdigest()}\n")
    found = hashlib.sha256("".join(lines).encode()).hexdigest()
    if found != digest:
        raise Other(f"Version {digest[:12]} arrived as {found[:12]}: its files are not what was sent.")


def prune(base: str) -> None:
    """Remove the folders of all but the newest versions, and of nobody who runs one."""
    homes = [os.path.join(base, name) for name in os.listdir(base) if len(name) == 64]
    homes.sort(key=mtime, reverse=True)
    for home in homes[KEPT:]:
        with contextlib.suppress(OSError), open(os.path.join(home, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            discard(home)
    prune_codes(base, homes[:KEPT])


def prune_codes(base: str, homes: list[str]) -> None:
    """Remove compiled code that none of these versions has."""
    wanted = set()
    for home in homes:
        with contextlib.suppress(OSError), open(os.path.join(home, MANIFEST), "rb") as file:
            wanted |= {code_name((name, sha256)) for name, sha256 in json.load(file).items()}
    codes = os.path.join(base, "code")
    with contextlib.suppress(OSError):
        for name in set(os.listdir(codes)) - wanted:
            os.unlink(os.path.join(codes, name))


def mtime(path: str) -> float:
    """When a path was touched last; 0 if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
