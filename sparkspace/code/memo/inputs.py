"""The state of what a module reads: files and tables."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import SparkspaceError
from . import folder, reads
from .leaf import Leaf, digest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Files up to this size are compared by content, so that a new time alone is no change. Together no more than TOTAL.
SMALL, TOTAL = 1 << 20, 16 << 20
_GLOB = re.compile(r"[*?\[{]")


@dataclass(frozen=True)
class Input:
    """An input as it is now, and the places that it covers (URLs of files or folders)."""

    leaf: Leaf
    covers: tuple[str, ...]


def look(spark: SparkSession, name: str) -> Input:
    """The state of the path, pattern or table called ``name``. A path has a slash or a scheme; all else is a table.

    Raises:
        SparkspaceError: it isn't there, or it is a table whose state nobody can tell.
    """
    return _files(spark, name) if "/" in name or re.match(r"\w[\w+.-]*:", name) else _table(spark, name)


def _files(spark: SparkSession, name: str) -> Input:
    urls = folder.Hadoop(spark, name).glob() if _GLOB.search(name) else [name]
    places = [folder.at(spark, url) for url in urls]
    found = {}
    for place in places:
        prefix = place.url if len(places) > 1 else ""
        found.update({f"{prefix}/{path}": (place, path, file) for path, file in place.files().items() if _counts(path)})
    if not found:
        raise SparkspaceError(f"The input {name} isn't there, or is empty.", "A table's name has no slash.")
    is_small = sum(file.size for _, _, file in found.values()) <= TOTAL
    words = [part for path, (place, inner, file) in sorted(found.items())
             for part in (path, _state(place, inner, file, is_small))]  # fmt: skip
    size = sum(file.size for _, _, file in found.values())
    covers = tuple(re.split(_GLOB, name)[0] for _ in [0] if _GLOB.search(name)) or tuple(place.url for place in places)
    return Input(Leaf("input", name, digest(*words), f"{len(found)} files, {size} bytes"), covers)


def _counts(path: str) -> bool:
    """Whether Spark would read it: not what begins with ``_`` or ``.`` (but a Delta table's log says what counts)."""
    parts = path.split("/")
    return "_delta_log" in parts or not any(part.startswith((".", "_")) and "=" not in part for part in parts)


def _state(place: folder.Folder, path: str, file: folder.File, is_small: bool) -> str:
    if file.is_content or not is_small or file.size > SMALL:
        return f"{file.size} {file.stamp}"
    return f"{file.size} {_content(_Read(place, path), place.url, path, file.size, file.stamp)}"


class _Read:
    """How to read a file; all are equal, so that a cache looks at the rest."""

    def __init__(self, place: folder.Folder, path: str) -> None:
        self.place, self.path = place, path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Read)

    def __hash__(self) -> int:
        return 0


@functools.lru_cache(maxsize=65536)
def _content(read: _Read, url: str, path: str, size: int, stamp: str) -> str:
    return hashlib.sha256(read.place.read(read.path)).hexdigest()


def _table(spark: SparkSession, name: str) -> Input:
    frame = spark.table(name)
    found = reads.of(frame)
    unclear = [each for each in found.others if each not in found.snapshots]
    if unclear:
        raise SparkspaceError(
            f"The state of the table {name} can't be told: {', '.join(unclear)}.",
            "Name the files behind it, or leave it out of inputs and say version=… whenever it has changed.",
        )
    nameless = [view.name for view in found.views if not view.text]
    if nameless:
        raise SparkspaceError(
            f"The state of the view {nameless[0]} can't be told: it was made of a DataFrame.",
            "Make it in the function that uses it, or make it a module of its own and a parameter.",
        )
    states = [_files(spark, path).leaf for path in found.paths]
    about = [str(each) for each in _description(spark, name).values()]
    views = [word for view in found.views for word in (view.name, view.text)]
    words = [frame.schema.json(), *about, *views, *(leaf.digest for leaf in states), json.dumps(found.snapshots)]
    note = "; ".join(leaf.note for leaf in states) or json.dumps(found.snapshots)
    return Input(
        Leaf("input", name, digest(*words), note),
        (*found.paths, *found.snapshots, *(view.name for view in found.views)),
    )


def _description(spark: SparkSession, name: str) -> Mapping[str, Any]:
    """What makes a view; empty for a table."""
    rows = spark.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    return {row[0]: row[1] for row in rows if row[0] in ("View Text", "View Catalog and Namespace", "Provider")}


def is_below(place: str, covers: tuple[str, ...]) -> bool:
    """Whether ``place`` is one of these places, or in one."""
    plain = _plain(place)
    return any(plain == _plain(each) or plain.startswith(_plain(each).rstrip("/") + "/") for each in covers)


def _plain(url: str) -> str:
    """A URL of a local file in one form: Hadoop's has one slash, Python's three, a path none."""
    scheme, _, rest = url.rpartition(":")
    if scheme not in ("", "file"):
        return url
    return str(Path("/" + rest.lstrip("/") if scheme else rest).absolute())
