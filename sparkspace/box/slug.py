"""A slug: the archive that a build on Heroku ends in. Its files are what a dyno has below ``/app``.

``heroku slugs:download`` (the plugin @heroku-cli/heroku-slugs) fetches that of a release: a tar.gz of ``./app``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import BoxError

READ_FIRST = ("Procfile", "app.json")  # what a box wants to know before it opens
LINKED_FROM_BYTES = 1 << 20


@contextlib.contextmanager
def first_look(archive: Path) -> Iterator[Path]:
    """A folder with the Procfile and the app.json of a slug, for as long as they are looked at.

    Raises:
        BoxError: the file is not there, or no slug; all of it is read, so that one that was cut is found out here.
    """
    with tempfile.TemporaryDirectory(prefix="slug-") as folder:
        _extract(archive, Path(folder), lambda name: name.removeprefix("app/") in READ_FIRST)
        yield root(Path(folder), archive)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a slug below a folder. Returns where its files are.

    Raises:
        BoxError: as ``first_look``; or the disk is full.
    """
    _extract(archive, folder, lambda name: True)
    return root(folder, archive)


def root(folder: Path, archive: Path) -> Path:
    """Heroku packs ``./app``; an archive of the files alone will do.

    Raises:
        BoxError: there is no Procfile in either.
    """
    for found in (folder / "app", folder):
        if (found / "Procfile").is_file():
            return found
    raise BoxError(f"{archive} has no Procfile, neither at its top nor below app/.", "Is it a slug? " + HINT)


HINT = (
    "Fetch one with: heroku slugs:download --app APP --no-extract-slug"
    "   (heroku plugins:install @heroku-cli/heroku-slugs)"
)


def _extract(archive: Path, folder: Path, is_wanted: Callable[[str], bool]) -> None:
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if is_wanted(member.name.removeprefix("./")):
                    tar.extract(member, folder, filter=_ours)
    except FileNotFoundError:
        raise BoxError(f"There is no slug {archive}.", HINT) from None
    except (tarfile.TarError, EOFError, zlib.error, IsADirectoryError) as error:
        raise BoxError(f"{archive} is no slug, or not all of one: {error}.", HINT) from error
    except OSError as error:
        raise BoxError(f"The slug {archive} can't be unpacked into {folder}: {error.strerror or error}.") from error


def _ours(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """An entry as it is to be unpacked: below the folder, and whoever packed it, ours. In a user namespace there is
    nobody else, and a file that can't be given to its owner would get neither its date nor its mode."""
    checked = tarfile.tar_filter(member, folder)
    return checked.replace(uid=os.getuid(), gid=os.getgid(), uname="", gname="", deep=False)


def lay(slug: Path, app: Path) -> None:
    """Give a dyno its files. Large ones, which nobody writes to, are links: a slug has a thousand megabytes."""
    shutil.copytree(slug, app, symlinks=True, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    if os.path.getsize(source) < LINKED_FROM_BYTES:
        shutil.copy2(source, target)
    else:
        os.link(source, target)
