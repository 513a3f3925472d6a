"""The driver's own modules after an edit: what has changed, and whatever imports it, is imported anew.

Imported anew, and not executed again in place: that is what a restart would do, circular imports and all. The old
modules are left alone until everything has been imported, so an edit that does not work changes nothing.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from ..errors import SparkspaceError
from .boot.modules import Finder, Loader, Module, compiled
from .parcel import Version
from .roots import is_the_users
from .tree import Moved

# Whoever uses these may import anything.
_DYNAMIC = frozenset({"importlib", "pkgutil", "runpy", "__import__", "exec", "eval"})


class EditFailed(SparkspaceError):
    """The edited code can't be imported. What was there before goes on."""


class Witness(Finder):
    """Also sees to modules that nobody has shipped yet: what was imported must be known when they are."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module's spec, found by whoever finds it."""
        spec = super().find_spec(name, path, target)
        others = (finder for finder in sys.meta_path if finder is not self) if spec is None else ()
        for finder in others:
            spec = finder.find_spec(name, path, target)  # type: ignore[arg-type]
            if spec is not None:
                break
        if spec and type(spec.loader) is SourceFileLoader and is_the_users(os.path.dirname(str(spec.origin))):
            spec.loader = Loader(name, str(spec.origin))
            spec.loader.codes = self.codes
        return spec


class Modules:
    """The user's modules in this process, of one version."""

    def __init__(self) -> None:
        self.version = Version(())
        self.codes: dict[str, CodeType] = {}
        self._loaded: dict[str, str] = {}
        self._finder = Witness({}, self._code)

    def begin(self, version: Version) -> None:
        """Take ``version`` for what has been imported so far, and for what will be."""
        self.version = version
        self._finder.modules = version.modules
        if self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)

    def end(self) -> None:
        """Leave importing to Python again."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def has_others(self, version: Version) -> bool:
        """Whether a module was imported, since ``begin``, from a file that holds something else by now."""
        modules = version.modules
        return any(name in modules and modules[name].sha256 != sha256 for name, sha256 in self._loaded.items())

    def become(self, version: Version) -> dict[str, tuple[ModuleType, ModuleType | None]]:
        """Import what has to be imported anew. Returns name → the module before, and now (None: it is gone).

        Raises:
            EditFailed: with the file and line; everything is as it was.
            Moved: a file has changed again meanwhile.
        """
        refuse_compiled(self.version, version)
        before, self.version = self.version, version
        self._finder.modules = version.modules
        stale = self._stale(before, version)
        old = {name: sys.modules.pop(name) for name in stale}
        try:
            refuse_syntax_errors(before, version)
            for name in stale:
                if name in version.modules or name not in before.modules:
                    importlib.import_module(name)
        except BaseException as error:
            self._restore(before, old)
            if isinstance(error, Exception) and not isinstance(error, Moved | EditFailed):
                raise EditFailed(described(error, version), "The version before goes on. Mend the file.") from error
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] in version.units]:
            attach(name)
        return {name: (module, sys.modules.get(name)) for name, module in old.items()}

    def _restore(self, before: Version, old: Mapping[str, ModuleType]) -> None:
        self.version = before
        self._finder.modules = before.modules
        for name, module in old.items():
            sys.modules[name] = module
        for name in old:
            attach(name)

    def _stale(self, before: Version, after: Version) -> list[str]:
        """The loaded modules to import anew, in the order in which they were first."""
        units = before.units | after.units
        loaded = [name for name in sys.modules if name.partition(".")[0] in units]
        if before.data != after.data:
            return loaded  # who has read a file, and kept something of it, can't be known
        changed = {name for name in loaded if self._digest(before, name) != digest(after, name)}
        found = dependents(changed, after.modules.keys() - before.modules.keys(), loaded, before)
        return [name for name in loaded if name in found]

    def _digest(self, version: Version, name: str) -> str:
        return digest(version, name) or self._loaded.get(name, "")

    def _code(self, name: str, path: str, sha256: str, content: bytes) -> CodeType:
        self._loaded[name] = sha256
        if name in self.version.modules and digest(self.version, name) != sha256:
            raise Moved(f"{path} has changed")
        code = compiled(path, sha256, content)
        self.codes[name] = code
        return code


def attach(name: str) -> None:
    """Make a loaded module an attribute of its package, which may be another object than when it was imported."""
    package, _, last = name.rpartition(".")
    if package in sys.modules and name in sys.modules:
        setattr(sys.modules[package], last, sys.modules[name])


def digest(version: Version, name: str) -> str:
    """What stands for a module's source; empty if it has none."""
    module = version.modules.get(name)
    return module.sha256 if module else ""


def refuse_compiled(before: Version, after: Version) -> None:
    """A process can't load a compiled module twice: it would go on with the first, and executors with the second.

    Raises:
        EditFailed: one that is loaded here has changed.
    """
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    for name in sorted({name for name, _ in before.data.items() ^ after.data.items() if name.endswith(".so")}):
        file = str((after if name in after.files else before).path(name))
        if file in loaded:
            raise EditFailed(
                f"{file} has changed, and a process can't load a compiled module twice.",
                "The version before goes on. Start this shell or notebook anew.",
            )


def refuse_syntax_errors(before: Version, after: Version) -> None:
    """Compile all that was edited, loaded or not: executors may import it later.

    Raises:
        EditFailed: with the file and line.
        Moved: a file has changed again meanwhile.
    """
    for name, module in after.modules.items():
        if digest(before, name) == module.sha256:
            continue
        try:
            compiled(module.file, module.sha256, Path(module.file).read_bytes())
        except OSError as error:
            raise Moved(f"{module.file}: {error.strerror}") from error
        except (SyntaxError, ValueError) as error:
            raise EditFailed(described(error, after), "The version before goes on. Mend the file.") from error


def described(error: BaseException, version: Version) -> str:
    """What went wrong, with file and line, as Python says it."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).strip()
    files = {module.file for module in version.modules.values()}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    where = "".join(f'  File "{frame.filename}", line {frame.lineno}\n    {frame.line}\n' for frame in frames[-1:])
    return where + "".join(traceback.format_exception_only(error)).strip()


def dependents(changed: set[str], new: set[str], loaded: list[str], version: Version) -> set[str]:
    """``changed``, and the loaded modules that import one of them, directly or not, at the top or in a function."""
    needs = {name: imports(version.modules[name], name) for name in loaded if name in version.modules}
    found = changed | new
    if found:
        found |= {name for name, needed in needs.items() if "*" in needed}
    while True:
        more = {name for name, needed in needs.items() if name not in found and needed & found}
        if not more:
            return found
        found |= more


@functools.lru_cache(maxsize=65536)
def imports(module: Module, name: str) -> frozenset[str]:
    """Dotted names that a module may import; ``*`` if that can't be told."""
    try:
        tree = ast.parse(Path(module.file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset({"*"})
    is_package = module.file.endswith("__init__.py")
    return frozenset(_imports(tree, name if is_package else name.rpartition(".")[0]))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from _prefixes(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name) and node.id in _DYNAMIC:
            yield "*"


def _prefixes(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))
    if dotted in _DYNAMIC:
        yield "*"
