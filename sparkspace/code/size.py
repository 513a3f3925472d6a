"""How much code may be sent: told when it is much, and refused when it is too much."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import SparkspaceError
from ..log import notice
from .tree import Entry

LARGE = 5 * 1024 * 1024
TOO_LARGE = 50 * 1024 * 1024
LISTED = 10


class TooLarge(SparkspaceError):
    """What would be sent is more than ``TOO_LARGE``."""


def refuse(files: Mapping[str, Entry], sent: str, shown: Callable[[str], object] = str) -> None:
    """Refuse too much.

    ``sent``: what becomes of it, ``pushed`` say. ``shown``: how people know a file, by its name here.

    Raises:
        TooLarge: with the largest files.
    """
    if total(files) > TOO_LARGE:
        raise TooLarge(
            f"{mb(total(files))} would be {sent}, and the limit is {mb(TOO_LARGE)}. The largest files:\n"
            + "\n".join(largest(files, shown)),
            "Name them in .gitignore, or keep data in a bucket.",
        )


def warn(files: Mapping[str, Entry], sent: str, shown: Callable[[str], object] = str) -> None:
    """Say so when it is much, and not too much."""
    if LARGE < total(files) <= TOO_LARGE:
        notice(f"{mb(total(files))} are {sent}. The largest files:", *largest(files, shown))


def total(files: Mapping[str, Entry]) -> int:
    """Bytes of all."""
    return sum(entry.size for entry in files.values())


def largest(files: Mapping[str, Entry], shown: Callable[[str], object]) -> list[str]:
    """The largest files, a line each."""
    found = sorted(files.items(), key=lambda item: -item[1].size)[:LISTED]
    return [f"  {mb(entry.size):>9}  {shown(name)}" for name, entry in found]


def mb(size: int) -> str:
    """Bytes, for people."""
    return f"{size / 1024 / 1024:.1f} MB"
