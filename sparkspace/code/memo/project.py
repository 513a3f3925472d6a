"""All files of the project at once: what counts where code can't be followed."""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path

from ...errors import SparkspaceError
from .. import roots
from ..tree import Watch
from .leaf import Leaf, digest


def leaves(why: list[str]) -> list[Leaf]:
    """A leaf for every root of the project, with its data files, and one for the program that was started.

    ``why``: where code can't be followed; shown.

    Raises:
        SparkspaceError: that is in a notebook or shell, which has no files.
    """
    found = [
        Leaf("project", ",".join(sorted(root.units)), _watch(root).look().digest, why[0])
        for root in roots.find(sys.modules)
    ]
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file and roots.is_the_users(str(Path(file).resolve().parent)):
        linecache.checkcache(file)
        return [*found, Leaf("project", Path(file).name, digest("".join(linecache.getlines(file))), why[0])]
    if any(each.startswith("__main__.") for each in why):
        raise SparkspaceError(
            f"{why[0]} uses names that are only known when it runs (eval, importlib, getattr …), and is in no file.",
            "Put it into a module, so that all of its files count.",
        )
    return found


@functools.lru_cache(maxsize=64)
def _watch(root: roots.Root) -> Watch:
    return Watch(root)
