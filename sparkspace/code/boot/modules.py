"""The modules of one version, and how they are imported."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import NamedTuple


class Module(NamedTuple):
    """Where a module's source is, and the SHA-256 of it."""

    file: str
    sha256: str


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles what a file holds, and trusts no ``.pyc``: those go by whole seconds and sizes, and miss quick edits."""

    codes: Callable[[str, str, str, bytes], CodeType]

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        path = self.get_filename(fullname)
        content = self.get_data(path)
        return self.codes(fullname, path, hashlib.sha256(content).hexdigest(), content)


class Finder:
    """Finds the modules of one version, before any other place is looked at (``sys.meta_path``)."""

    def __init__(self, modules: Mapping[str, Module], codes: Callable[[str, str, str, bytes], CodeType]) -> None:
        self.modules = modules
        self.codes = codes

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The module's spec if it is one of this version's."""
        found = self.modules.get(name)
        if found is None:
            return None
        loader = Loader(name, found.file)
        loader.codes = self.codes
        search = [os.path.dirname(found.file)] if os.path.basename(found.file) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, found.file, loader=loader, submodule_search_locations=search
        )


def compiled(path: str, sha256: str, content: bytes) -> CodeType:
    """``content`` as code. Line numbers and the name of the file are in it, so both belong to what a cache goes by."""
    code: CodeType = compile(content, path, "exec", dont_inherit=True)
    return code


def module_name(path: str) -> str | None:
    """``pkg/sub/__init__.py`` → ``pkg.sub``; None for what is no Python source."""
    stem, suffix = os.path.splitext(path)
    parts = stem.split("/")
    if suffix != ".py" or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def place_of(name: str) -> int:
    """``0`` of ``0/pkg/x.py``: the first root wins, as on ``sys.path``."""
    return int(name.partition("/")[0])


def precedence(path: str) -> tuple[bool, str]:
    """Of two files that are one module, Python takes the package."""
    return not path.endswith("/__init__.py"), path


def located(home: str, manifest: Mapping[str, str]) -> dict[str, Module]:
    """The modules of an unpacked version. Where two roots have one, the first wins, as on ``sys.path``."""
    found: dict[str, Module] = {}
    for name, sha256 in sorted(manifest.items(), key=lambda item: (place_of(item[0]), *precedence(item[0]))):
        dotted = module_name(name.partition("/")[2])
        if dotted:
            found.setdefault(dotted, Module(os.path.join(home, name), sha256))
    return found


def forget(units: frozenset[str] | set[str], modules: dict[str, ModuleType]) -> None:
    """Take the modules of these packages out of ``modules``, so that they are imported anew."""
    for name in [name for name in modules if name.partition(".")[0] in units]:
        del modules[name]
