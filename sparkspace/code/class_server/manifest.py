"""What a pushed version consists of, and the body in which files travel: a line of JSON, then contents, deflated."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import SparkspaceError
from ..size import TOO_LARGE
from ..tree import Entry

PYTHON, CLASSES = "python/", "classes/"  # how the name of every file of a version begins
MOST_FILES = 20_000
LONGEST_NAME = 1024
LONGEST_HEAD = 16 * 1024 * 1024
LARGEST_BODY = TOO_LARGE + LONGEST_HEAD
_NAME = re.compile(r"[^\x00-\x1f\x7f\\/]{1,255}")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
Json = dict[str, Any]


class Malformed(SparkspaceError):
    """What came over the wire is not what it should be."""


def is_name(text: str) -> bool:
    """Whether this names a file below a root, and nothing else: no ``..``, no second slash, nothing unprintable."""
    if not text or len(text) > LONGEST_NAME or re.search("[\ud800-\udfff]", text):
        return False
    return all(_NAME.fullmatch(part) and part not in (".", "..") for part in text.split("/"))


def is_sha256(text: str) -> bool:
    """Whether this is a SHA-256 as we write it."""
    return bool(_SHA256.fullmatch(text))


def as_json(files: Mapping[str, Entry]) -> Json:
    """Name → SHA-256 and size."""
    return {name: [entry.sha256, entry.size] for name, entry in sorted(files.items())}


def parse(found: object) -> dict[str, Entry]:
    """The files of ``as_json``, of which nothing is believed.

    Raises:
        Malformed: a name that leads elsewhere, a file that is also a folder, a size that can't be.
    """
    if not isinstance(found, dict) or len(found) > MOST_FILES:
        raise Malformed(f"A version has at most {MOST_FILES} files, each with a name.")
    files = {name: _entry(name, value) for name, value in found.items()}
    folders = {above for name in files for above in _above(name)}
    if twice := next(iter(folders & files.keys()), ""):
        raise Malformed(f"{twice!r} is a file and a folder.")
    return files


def _entry(name: str, value: object) -> Entry:
    if not is_name(name) or not name.startswith((PYTHON, CLASSES)):
        raise Malformed(f"{name[:100]!r} can't be the name of a file.")
    match value:
        case [str(sha256), int(size)] if is_sha256(sha256) and 0 <= size and not isinstance(size, bool):
            return Entry(sha256, size)
    raise Malformed(f"{name[:100]!r} has no SHA-256 and size.")


def _above(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def packed(head: Json, contents: Iterable[bytes] = ()) -> bytes:
    """One body: ``head``, then all contents one after the other. Their sizes have to follow from ``head``."""
    packer = zlib.compressobj(3)
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    parts = [packer.compress(each) for each in (line, *contents)]
    return b"".join([*parts, packer.flush()])


def unpacked(body: bytes) -> tuple[Json, memoryview]:
    """``head``, and all contents in one.

    Raises:
        Malformed: it is no such body, or more than can be meant.
    """
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(body, LARGEST_BODY)
        if not unpacker.eof or unpacker.unused_data:
            raise Malformed("What was sent is too large, or was cut off.")
        line, _, _ = data[:LONGEST_HEAD].partition(b"\n")
        head = json.loads(line)
    except (zlib.error, ValueError, RecursionError):
        raise Malformed("What was sent can't be read.") from None
    if not isinstance(head, dict):
        raise Malformed("What was sent can't be read.")
    return head, memoryview(data)[len(line) + 1 :]


def cut(contents: memoryview, entries: Iterable[Entry]) -> dict[str, bytes]:
    """SHA-256 → content, for each of ``entries`` in their order; every content is what its SHA-256 says.

    Raises:
        Malformed: it is not.
    """
    found, at = {}, 0
    for sha256, size in entries:
        content = bytes(contents[at : at + size])
        at += size
        if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
            raise Malformed("A file is not what its SHA-256 says.")
        found[sha256] = content
    if at != len(contents):
        raise Malformed("There is more than was announced.")
    return found
