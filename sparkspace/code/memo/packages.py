"""Which version of which installed package something comes from."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import sys
from importlib import metadata
from pathlib import Path

from .leaf import Leaf


@functools.lru_cache(maxsize=4096)
def leaves(module: str) -> tuple[Leaf, ...]:
    """The distributions that bring ``module`` and, since they shape what it does, all that these require.

    What no distribution brings (a folder or zip on ``sys.path``) is hashed by its content.
    """
    top = module.partition(".")[0]
    names = _distributions().get(top, [])
    if not names:
        return (_unpackaged(top),)
    return tuple(
        Leaf("package", name, version, version) for name, version in sorted(_closure(frozenset(names)).items())
    )


@functools.lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    """Looked at once: what is imported by then is what runs, whatever is installed later."""
    return {name: list(found) for name, found in metadata.packages_distributions().items()}


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
