"""What a box that is open leaves in the app's folder, so that it is found again: its record, and the lock it holds."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import BoxError

PREFIX = "sparkspace-"  # of the box's folder, which has a file LOG from the start
LOG = "supervisor.log"


@dataclass(frozen=True)
class Box:
    """A box that was opened: what ``.sparkspace/box.json`` holds."""

    app: str
    url: str
    token: str = field(repr=False)
    pid: int
    folder: str
    network: str
    limits: str
    notice: str
    source: str
    web: str  # the URL of the router; empty: the app has no web process


def state_folder(source: Path) -> Path:
    """Where a box of this app keeps its lock and record."""
    return source / ".sparkspace"


def app_folder(start: Path) -> Path:
    """The folder with the Procfile: ``start``, or the nearest above it.

    Raises:
        BoxError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "Procfile").is_file():
            return folder
    raise BoxError(f"There is no Procfile in {start}, nor above it.", "Go to the folder of the app, and try again.")


def find(source: Path) -> Box:
    """The open box of this app.

    Raises:
        BoxError: there is none, or it has died.
    """
    box = recorded(source)
    if box is None:
        raise BoxError("No box is open here.", "Open one with: bin/sparkspace up --detach")
    if not is_held(source):
        raise BoxError("The box that was open here has died.", "Clean up after it with: bin/sparkspace down")
    return box


def recorded(source: Path) -> Box | None:
    """What the last box of this app left in its record; None if it closed properly, or there was none.

    A record that came here with a copy of the folder, or names a folder that is not ours, is none.
    """
    try:
        box = Box(**json.loads((state_folder(source) / "box.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return box if box.source == str(source) and is_a_boxs(Path(box.folder)) else None


def is_a_boxs(folder: Path) -> bool:
    """Whether this can be the folder of a box of this user's: the record could say anything, and it will be removed."""
    if not folder.exists():
        return folder.name.startswith(PREFIX)
    ours = folder.stat().st_uid == os.geteuid() and (folder / LOG).is_file()
    return folder.name.startswith(PREFIX) and ours and not folder.is_symlink()


def is_held(source: Path) -> bool:
    """Whether a box of this app lives: its process holds a lock, which the kernel takes from the dead."""
    try:
        with open(state_folder(source) / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise BoxError(f"A box of another user is, or was, open in {source}.", "Use a clone of your own.") from None


@contextlib.contextmanager
def held(source: Path) -> Iterator[int]:
    """Hold the lock, as the box of this app or to clean up after it. A process that inherits it holds it too.

    Raises:
        BoxError: somebody else holds it, or it can't be made.
    """
    path = state_folder(source) / "lock"
    while True:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            lock = open(path, "w")
        except OSError as error:
            raise BoxError(f"Can't write to {path}: {error.strerror}.", "Use a clone of your own.") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BoxError(f"A box is open already in {source}.", "Close it with: bin/sparkspace down") from None
            if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                yield lock.fileno()
                return  # else it was removed while we waited for it, and holds nobody off


def write(source: Path, box: Box) -> None:
    """Write the record, readable by its owner alone: it has the API's token."""
    folder = state_folder(source)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / "box.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(box), file)
    except OSError as error:
        raise BoxError(f"Can't write to {folder}: {error.strerror}.", "Use a clone of your own.") from error


def forget(source: Path) -> None:
    """Remove the record and the lock of a box that is no more; the lock must be held."""
    folder = state_folder(source)
    for name in ("box.json", "lock"):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
