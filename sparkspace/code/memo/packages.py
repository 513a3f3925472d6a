"""Which version of which installed package something comes from."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from .leaf import Leaf


@functools.lru_cache(maxsize=4096)
def leaves(module: str) -> tuple[Leaf, ...]:
    """The distributions that bring ``module`` and, since they shape what it does, all that these require.

    What no distribution brings (a folder or zip on ``sys.path``) is hashed by its content.
    """
    top = module.partition(".")[0]
    names = _distributions()[top]
    if not names:
        return (_unpackaged(top),)
    return tuple(
        Leaf("package", name, version, version) for name, version in sorted(_closure(frozenset(names)).items())
    )


@functools.lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    """Top-level name → distributions. Looked at once: what is imported by then is what runs, whatever comes later.

    As ``metadata.packages_distributions``, which parses the metadata of all and takes five times as long.
    """
    found: dict[str, list[metadata.Distribution]] = {}
    for distribution in metadata.distributions():
        for top in set(_tops(distribution)):
            found.setdefault(top, []).append(distribution)
    return _Names(found)


class _Names(dict[str, list[str]]):
    def __init__(self, found: dict[str, list[metadata.Distribution]]) -> None:
        self._found = found

    def __missing__(self, top: str) -> list[str]:
        self[top] = [str(each.metadata["Name"]) for each in self._found.get(top, [])]
        return self[top]


def _tops(distribution: metadata.Distribution) -> Iterator[str]:
    listed = distribution.read_text("top_level.txt")
    if listed:
        yield from listed.split()
    for line in (distribution.read_text("RECORD") or "").splitlines():
        first, slash, _ = line.partition(",")[0].strip('"').partition("/")
        yield first if slash else first.partition(".")[0]


@functools.lru_cache(maxsize=1024)
def _closure(names: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # wanted on other machines only, or by an extra
            continue
        found[name] = distribution.version
        wanted = [each for each in distribution.requires or [] if "extra ==" not in each]
        waiting += [match[0] for each in wanted if (match := re.match(r"[\w.-]+", each))]
    return found


def _unpackaged(top: str) -> Leaf:
    file = getattr(sys.modules.get(top), "__file__", None)
    if not file:
        return Leaf("package", top, "", "")
    path = Path(file)
    while not path.exists() and path != path.parent:  # in a zip
        path = path.parent
    folder = path.parent if path.name == "__init__.py" else path
    files = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    stats = [(str(each), os.stat(each)) for each in files if each.is_file() and each.suffix != ".pyc"]
    return Leaf("package", top, _content(tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)))


@functools.lru_cache(maxsize=1024)
def _content(files: tuple[tuple[str, int, int], ...]) -> str:
    whole = hashlib.sha256()
    for name, _, _ in files:
        whole.update(hashlib.sha256(Path(name).read_bytes()).digest())
    return whole.hexdigest()
