"""Which Spark an app asks for, and what belongs to it. ``versions.json`` is the table; ``buildpack.lock`` writes it.

Who asks: the file ``.spark.version`` in the app's folder, one line, ``4.1.4``, ``4.1`` or ``4``.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkspace.errors import abridged

from .errors import BuildError

TABLE = Path(__file__).with_name("versions.json")
FILE = ".spark.version"
_FILE_BYTES = 1024  # far more than a version has; a large file is not read whole, only to be refused
_NUMBERS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}")

# Why a version of the past can't be had, by its first number.
_PAST = {
    "0": "Spark 0.x is of 2013 and before.",
    "1": "Spark 1.6, the last 1.x, is of 2016; it needs Java 8 and Python 2.7, which no supported stack has.",
    "2": "Spark 2.4, the last 2.x, ended in 2021; it needs Java 8, Python 3.7 and code for Scala 2.11 or 2.12.",
    "3": "Spark 3.0 to 3.4 are no longer maintained.",
}


@dataclass(frozen=True)
class Artifact:
    """One file to fetch: what its client calls it, its name on disk, and what it must be."""

    id: str  # pip's ``pyspark==4.3.0`` or Ivy's ``org:module:version``
    file: str
    sha256: str  # 64 lowercase hex digits
    bytes: int


@dataclass(frozen=True)
class Line:
    """A version of Spark, as tested."""

    version: str
    scala: str
    hadoop: str
    python: tuple[str, str]  # the oldest and the newest that Spark names, as ``3.11``
    java: tuple[int, ...]
    spark: Artifact
    jars: tuple[Artifact, ...]  # what s3a:// and its committers need beyond Spark's own jars


def resolve(text: str) -> Line:
    """The line that ``text`` means: a version of the table, or the beginning of one (``4.1``, ``4``).

    Raises BuildError: it names the versions there are, and the nearest.
    """
    wanted = text.strip().removeprefix("v")
    begun = [version for version in versions() if f"{version}.".startswith(f"{wanted}.")]
    if not begun or not wanted:
        raise _refusal(wanted)
    return lines()[max(begun, key=_number)]


def requested(app: Path) -> Line:
    """The line that the app in the folder ``app`` asks for, or the default.

    Raises BuildError: the file is there, and is not one line with a version of the table.
    """
    try:
        with (app / FILE).open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except FileNotFoundError:
        return default()
    except OSError as error:
        raise BuildError(f"{FILE} can't be read: {error.strerror}.", _example()) from error
    return resolve(_only_line(data))


def default() -> Line:
    """What an app gets that asks for nothing."""
    return lines()[_table()["default"]]


def versions() -> list[str]:
    """Every version of the table, oldest first."""
    return sorted(lines(), key=_number)


@functools.cache
def lines() -> dict[str, Line]:
    """The table: version → line."""
    return {version: _line(version, entry) for version, entry in _table()["lines"].items()}


@functools.cache
def setuptools() -> Artifact:
    """What pip needs to look into a source archive."""
    entry = _table()["setuptools"]
    name = f"setuptools-{entry['version']}-py3-none-any.whl"
    return Artifact(f"setuptools=={entry['version']}", name, entry["sha256"], entry["bytes"])


def jar(entry: dict[str, Any]) -> Artifact:
    """An entry of "jars" of the table."""
    _, name, version = entry["module"].split(":")
    return Artifact(entry["module"], f"{name}-{version}.jar", entry["sha256"], entry["bytes"])


def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def _line(version: str, entry: dict[str, Any]) -> Line:
    package = entry["spark"]["package"]
    spark = Artifact(
        f"{package}=={version}", f"{package}-{version}.tar.gz", entry["spark"]["sha256"], entry["spark"]["bytes"]
    )
    oldest, newest = entry["python"]
    java, jars = tuple(entry["java"]), tuple(map(jar, entry["jars"]))
    return Line(version, entry["scala"], entry["hadoop"], (oldest, newest), java, spark, jars)


def _number(version: str) -> int:
    major, minor, patch = (*map(int, version.split(".")), 0, 0)[:3]
    return (major * 1000 + minor) * 1000 + patch


def _only_line(data: bytes) -> str:
    """The text of a ``.spark.version``. Editors of Windows put a mark before it and CRLF after, and may."""
    try:
        found = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise BuildError(f"{FILE} is not a text in UTF-8.", _example()) from error
    if not found:
        raise BuildError(f"{FILE} is empty.", f"{_example()}\nOr remove it: you get {default().version} then.")
    if len(found.splitlines()) > 1 or len(data) > _FILE_BYTES:
        raise BuildError(f"{FILE} must be one line with a version, but it has more.", _example())
    return found


def _example() -> str:
    return f"Write a version into it: echo {default().version} > {FILE}\n{_offer()}"


def _offer() -> str:
    return f"There are {', '.join(versions())}."


def _refusal(wanted: str) -> BuildError:
    past = _past(wanted)
    near = _nearest(wanted)
    message = f"There is no Spark version {abridged(wanted)!r} to build with."
    cure = f"{_offer()}\nThe nearest is {near}. Write it into {FILE}: echo {near} > {FILE}"
    return BuildError(message, f"{past}\n{cure}" if past else cure)


def _past(wanted: str) -> str:
    """Why a version is too old; empty if that is not what is wrong with it."""
    if not _NUMBERS.fullmatch(wanted) or _number(wanted) > _number(versions()[0].rpartition(".")[0]):
        return ""
    return _PAST.get(wanted.split(".")[0], "")


def _nearest(wanted: str) -> str:
    """By number for a number: what is beyond the table's end has the end. What resembles a version has that."""
    if _NUMBERS.fullmatch(wanted):
        number = _number(wanted)
        return (
            default().version if number < 3_000_000 else min(versions(), key=lambda each: abs(_number(each) - number))
        )
    # A long text resembles nothing, and comparing it takes its time.
    alike = difflib.get_close_matches(wanted[:20], versions(), 1)
    return alike[0] if alike else default().version
