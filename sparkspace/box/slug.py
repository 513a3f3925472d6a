"""A slug: the archive that a build on Heroku ends in. Its files are what a dyno has below ``/app``.

``heroku slugs:download`` (the plugin @heroku-cli/heroku-slugs) fetches that of a release: a tar.gz of ``./app``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import BoxError

READ_FIRST = ("Procfile", "app.json")  # what a box wants to know before it opens
LINKED_FROM_BYTES = 1 << 20
HINT = (
    "Fetch one with: heroku slugs:download --app APP --no-extract-slug"
    "   (heroku plugins:install @heroku-cli/heroku-slugs)"
)


@contextlib.contextmanager
def first_look(archive: Path) -> Iterator[Path]:
    """A folder with the Procfile and the app.json of a slug, for as long as they are looked at.

    Raises:
        BoxError: the file is not there, or no slug; all of it is read, so that one that was cut is found out here.
    """
    with tempfile.TemporaryDirectory(prefix="slug-") as folder:
        try:
            _extract(archive, Path(folder))
        except FileNotFoundError:
            raise BoxError(f"There is no slug {archive}.", HINT) from None
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise BoxError(f"{archive} is no slug, or not all of one: {error}.", HINT) from error
        yield root(Path(folder), archive)


def _extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.removeprefix("./").removeprefix("app/") in READ_FIRST:
                tar.extract(member, folder, filter="data")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a slug into a new folder. Returns where its files are. By tar: it is large.

    Raises:
        BoxError: it can't be unpacked; a full disk, most likely.
    """
    folder.mkdir()
    # Whoever packed it, its files are to be ours: in a user namespace there is nobody else.
    command = ["tar", "--extract", "--no-same-owner", "--file", str(archive), "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or f"tar ended with {done.returncode}").splitlines()[-1]
        raise BoxError(f"The slug {archive} can't be unpacked into {folder}: {said}")
    return root(folder, archive)


def root(folder: Path, archive: Path) -> Path:
    """Heroku packs ``./app``; an archive of the files alone will do.

    Raises:
        BoxError: there is no Procfile in either.
    """
    for found in (folder / "app", folder):
        if (found / "Procfile").is_file():
            return found
    raise BoxError(f"{archive} has no Procfile, neither at its top nor below app/.", f"Is it a slug? {HINT}")


def lay(slug: Path, app: Path) -> None:
    """Give a dyno its files. Large ones, which nobody writes to, are links: a slug has a thousand megabytes."""
    shutil.copytree(slug, app, symlinks=True, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    if os.path.getsize(source) < LINKED_FROM_BYTES:
        shutil.copy2(source, target)
    else:
        os.link(source, target)
