"""The driver's own modules after an edit: what has changed, and whatever imports it, is imported anew.

Imported anew, and not executed again in place: that is what a restart would do, circular imports and all. The old
modules are left alone until everything has been imported, so an edit that does not work changes nothing.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from ..errors import SparkspaceError
from .boot.modules import Finder, Loader, Module, compiled
from .parcel import Version
from .roots import is_the_users
from .syntax import ANYTHING, entered, imports, remember
from .tree import Moved

UNKNOWN = "unknown"  # in the place of a SHA-256
_NONE = object()


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


@dataclass(frozen=True)
class State:
    """What is imported: name → its code, and the SHA-256 of the file that it was made of."""

    version: Version
    codes: dict[str, CodeType] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)

    def of(self, version: Version) -> State:
        """The same, to become another version."""
        return State(version, dict(self.codes), dict(self.loaded))


class Modules:
    """The user's modules in this process, of one version."""

    def __init__(self) -> None:
        self._state = State(Version(()))
        self._finder = Witness({}, self._code)

    @property
    def version(self) -> Version:
        """What has been imported so far, and what will be."""
        return self._state.version

    @property
    def codes(self) -> Mapping[str, CodeType]:
        """Name → the code of a module, of those that were imported since ``begin``."""
        return self._state.codes

    def begin(self, version: Version) -> None:
        """Take ``version`` for what has been imported so far, and for what will be."""
        self._take(self._state.of(version))
        if self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)

    def _take(self, state: State) -> None:
        self._state = state
        for name, module in state.version.modules.items():
            if name in sys.modules:
                remember(module)
        self._finder.modules = state.version.modules

    def end(self) -> None:
        """Leave importing to Python again."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def doubt(self, version: Version) -> None:
        """Take for outdated what was imported before ``begin``, from a file written after this process began."""
        since = process_began()
        for name, module in version.modules.items():
            if name in sys.modules and name not in self._state.loaded and changed_after(module.file, since):
                self._state.loaded[name] = UNKNOWN

    def has_others(self, version: Version) -> bool:
        """Whether a module was imported from a file that holds something else by now."""
        found = version.modules
        return any(name in found and found[name].sha256 != sha256 for name, sha256 in self._state.loaded.items())

    def become(self, version: Version) -> dict[str, tuple[ModuleType, ModuleType | None]]:
        """Import what has to be imported anew. Returns name → the module before, and now (None: it is gone).

        Raises:
            EditFailed: with the file and line; everything is as it was.
            Moved: a file has changed again meanwhile.
        """
        refuse_compiled(self.version, version)
        before, stale = self._state, self._stale(self.version, version)
        old, kept = Old.take(stale, self.version.units | version.units), self.version.modules
        self._take(before.of(version))
        try:
            refuse_syntax_errors(before.version, version)
            for name in stale:
                if name in version.modules or name not in kept:
                    importlib.import_module(name)
        except BaseException as error:
            self._take(before)
            old.restore()
            if isinstance(error, Exception) and not isinstance(error, Moved | EditFailed):
                raise EditFailed(described(error, version), "The version before goes on. Mend the file.") from error
            raise
        old.attach()
        return {name: (module, sys.modules.get(name)) for name, module in old.modules.items()}

    def _stale(self, before: Version, after: Version) -> list[str]:
        """The loaded modules to import anew, in the order in which they were first."""
        units = before.units | after.units
        loaded = [name for name in sys.modules if name.partition(".")[0] in units]
        if before.data != after.data:
            return loaded  # who has read a file, and kept something of it, can't be known
        changed = {name for name in loaded if self._digest(name, after) != digest(after, name)}
        new = {name for name in after.modules.keys() - before.modules.keys() if name.partition(".")[0] in before.units}
        found = dependents(changed, new, loaded, {**after.modules, **before.modules})
        return [name for name in loaded if name in found]

    def _digest(self, name: str, after: Version) -> str:
        """Of what was imported. What nobody has seen, and nobody doubts, is as the file is."""
        known = self._state.loaded.get(name) or digest(self.version, name)
        return known if known or name.partition(".")[0] in self.version.units else digest(after, name)

    def _code(self, name: str, path: str, sha256: str, content: bytes) -> CodeType:
        self._state.loaded[name] = sha256
        if name in self.version.modules and digest(self.version, name) != sha256:
            raise Moved(f"{path} has changed")
        code = compiled(path, sha256, content)
        remember(Module(path, sha256))
        self._state.codes[name] = code
        return code


@dataclass(frozen=True)
class Old:
    """What is taken out of the way while an edit is tried: modules, and what importing them anew overwrites.

    ``stayed``: the other modules of these packages. ``attributes``: (a package that stays, a name in it) → its value.
    """

    modules: Mapping[str, ModuleType]
    stayed: Mapping[str, ModuleType]
    units: frozenset[str]
    attributes: Mapping[tuple[str, str], object]

    @classmethod
    def take(cls, stale: list[str], units: frozenset[str]) -> Old:
        """Take the modules of these names out of ``sys.modules``."""
        modules = {name: sys.modules.pop(name) for name in stale}
        stayed = {name: sys.modules[name] for name in list(sys.modules) if name.partition(".")[0] in units}
        places = [(package, last) for package, _, last in (name.rpartition(".") for name in stale) if package in stayed]
        values = {place: vars(stayed[place[0]]).get(place[1], _NONE) for place in places}
        return cls(modules, stayed, units, values)

    def restore(self) -> None:
        """Put all back, and leave nothing of what was tried."""
        for name in [name for name in sys.modules if name.partition(".")[0] in self.units]:
            if name not in self.stayed:
                del sys.modules[name]
        sys.modules.update(self.modules)
        for (package, last), value in self.attributes.items():
            if value is not _NONE:
                setattr(self.stayed[package], last, value)
            elif last in vars(self.stayed[package]):
                delattr(self.stayed[package], last)

    def attach(self) -> None:
        """Make modules that stay attributes of packages that are new, and keep what hides a module in one that stays.

        Python does so when it imports a module: ``from .clean import clean`` has hidden it since.
        """
        for (package, last), value in self.attributes.items():
            if value is not _NONE and value is not self.modules[f"{package}.{last}"]:
                setattr(self.stayed[package], last, value)
        for name, module in self.stayed.items():
            package, _, last = name.rpartition(".")
            if package in self.modules and package in sys.modules and last not in vars(sys.modules[package]):
                setattr(sys.modules[package], last, module)


def process_began() -> float:
    """When this process was started, in seconds since 1970; 0 where that can't be told (no ``/proc``)."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])  # "starttime" of proc(5), since the machine's
    except OSError:
        return 0.0
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


def changed_after(file: str, since: float) -> bool:
    """Whether a file was written, or put into its place, after a moment."""
    try:
        return os.stat(file).st_ctime > since
    except OSError:
        return True


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


def dependents(changed: set[str], new: set[str], loaded: list[str], modules: Mapping[str, Module]) -> set[str]:
    """``changed``, and the loaded modules that import one of them, directly or not, at the top or in a function."""
    needs = {name: imports(modules[name], name) for name in loaded if name in modules}
    found = changed | new
    if found:
        found |= {name for name, needed in needs.items() if ANYTHING in needed}
    while True:
        more = {name for name, needed in needs.items() if needed & found}
        more |= {name for each in found & needs.keys() for name in owners(entered(modules[each], each), needs)}
        if more <= found:
            return found
        found |= more


def owners(dotted: frozenset[str], modules: Collection[str]) -> Iterator[str]:
    """The modules that these names are in: one may keep what another enters there, as a registry does."""
    for name in dotted:
        parts = name.split(".")
        prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        yield from [prefix for prefix in prefixes if prefix in modules][:1]
