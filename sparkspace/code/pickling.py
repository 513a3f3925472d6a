"""Pickling the user's functions and classes by their names, so that whoever unpickles has them of the version it runs.

cloudpickle does that only for what *is* what its module has under its name. After an edit there are older objects about
(held by a closure, a UDF, a list), and it would send those by value: the old code, silently.
"""

from __future__ import annotations

import functools
import importlib
import io
import operator
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from pyspark import cloudpickle

PROTOCOL = pickle.HIGHEST_PROTOCOL
_DEEPEST = 16  # decorators around one function

Place = tuple[str, str]  # a module, and a dotted path in it


class Formers:
    """What used to be found under a name in some earlier version of a module. Holds nothing alive."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[weakref.ref[Any], Place]] = {}

    def remember(self, module: types.ModuleType) -> None:
        """Note all functions and classes of a module that is about to be replaced."""
        for path, each in members(module):
            self._note(each, (module.__name__, path))

    def _note(self, each: Any, place: Place) -> None:  # noqa: ANN401
        key = id(each)
        try:
            self._places[key] = (weakref.ref(each, lambda _: self._places.pop(key, None)), place)
        except TypeError:
            return  # can't be referred to weakly: nothing that is pickled by name

    def of(self, module: str) -> Iterator[tuple[str, Any]]:
        """(name, what had it) of all that some earlier version of a module had, and that somebody still holds."""
        for reference, (home, path) in list(self._places.values()):
            each = reference()
            if home == module and each is not None:
                yield path, each

    def place(self, each: object) -> Place | None:
        """The name that it had; None if it had none."""
        reference, place = self._places.get(id(each), (None, None))
        return place if reference is not None and reference() is each else None


def members(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """What a module itself has made: its functions and classes, those of its classes, and what decorators hide."""
    for name, each in list(vars(module).items()):
        if getattr(each, "__module__", None) != module.__name__:
            continue
        yield from _named(name, each)
        if isinstance(each, type):
            for below, member in list(vars(each).items()):
                path, member = bare(f"{name}.{below}", member)
                if isinstance(member, types.FunctionType | type) and member.__module__ == module.__name__:
                    yield from _named(path, member)


def bare(path: str, member: Any) -> tuple[str, Any]:  # noqa: ANN401
    """What a class's member was made of, and where it is to be found."""
    if isinstance(member, staticmethod):
        return path, member.__func__
    hidden = {classmethod: "__func__", property: "fget", functools.cached_property: "func"}.get(type(member))
    return (f"{path}.{hidden}", getattr(member, hidden)) if hidden else (path, member)


def _named(path: str, each: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for _ in range(_DEEPEST):
        yield path, each
        inner = vars(each).get("__wrapped__") if hasattr(each, "__dict__") else None
        if inner is None:
            return
        path, each = f"{path}.__wrapped__", inner


class Pickler(cloudpickle.CloudPickler):
    """cloudpickle, but for what belongs to ``units``: that goes by name."""

    def __init__(
        self, file: io.BytesIO, units: frozenset[str], formers: Formers, renew: Callable[[types.FunctionType], None]
    ) -> None:
        super().__init__(file, PROTOCOL)  # type: ignore[no-untyped-call]  # pyspark has no types for it
        self.renew = renew
        self.units = units
        self.formers = formers
        self.by_value = False
        self.lazy: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401  # pickle's protocol
        """How to pickle ``obj``."""
        if isinstance(obj, types.FunctionType | type) or type(obj) is functools._lru_cache_wrapper:
            module = getattr(obj, "__module__", None) or ""
            if module.partition(".")[0] in self.units:
                place = self._place(obj, module)
                if place and found(module, obj.__qualname__) is not obj:  # else cloudpickle finds it by itself
                    return operator.attrgetter(place[1]), (sys.modules[place[0]],)
                if place is None and isinstance(obj, types.FunctionType):
                    self.by_value = True
                    self.renew(obj)
            elif isinstance(obj, types.FunctionType):
                self.lazy |= imports_of(obj.__code__)
        elif isinstance(obj, types.ModuleType) and obj.__name__.partition(".")[0] in self.units:
            if obj is not sys.modules.get(obj.__name__) and obj.__name__ in sys.modules:
                return importlib.import_module, (obj.__name__,)
        return super().reducer_override(obj)  # type: ignore[no-untyped-call]

    def _place(self, obj: Any, module: str) -> Place | None:  # noqa: ANN401
        """Where to find ``obj``, or what has come in its place; None if it has no name."""
        name = getattr(obj, "__qualname__", None) or ""
        current = found(module, name)
        for path, each in _named(name, current):
            if each is obj:
                return module, path
        place = self.formers.place(obj)
        if place is None or found(*place) is None:
            return None
        return place


def found(module: str, path: str) -> Any:  # noqa: ANN401
    """What a module has under a dotted path; None if nothing."""
    try:
        return operator.attrgetter(path)(sys.modules[module])
    except (AttributeError, KeyError):
        return None


@functools.lru_cache(maxsize=4096)
def imports_of(code: types.CodeType) -> frozenset[str]:
    """Top-level names that a function imports while it runs."""
    import dis

    names = set()
    if code.co_names:
        for step in dis.get_instructions(code):
            if step.opname == "IMPORT_NAME" and step.argval:
                names.add(str(step.argval).partition(".")[0])
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= imports_of(constant)
    return frozenset(names) - sys.stdlib_module_names


def dumps(
    obj: object, units: frozenset[str], formers: Formers, renew: Callable[[types.FunctionType], None]
) -> tuple[bytes, Pickler]:
    """``obj`` pickled, and the pickler, which knows what it met. ``renew`` is given what goes by value."""
    target = io.BytesIO()
    pickler = Pickler(target, units, formers, renew)
    pickler.dump(obj)  # type: ignore[no-untyped-call]
    return target.getvalue(), pickler


class _ByName(pickle.Pickler):
    """Plain pickle, but for the user's classes and functions."""

    def __init__(self, file: Any, units: frozenset[str], formers: Formers, stop: bool = True) -> None:  # noqa: ANN401
        super().__init__(file, PROTOCOL)
        self._stop = stop
        self._units = units
        self._formers = formers

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401  # pickle's protocol
        """How to pickle ``obj``."""
        kind = obj if isinstance(obj, types.FunctionType | type) else type(obj)
        if (getattr(kind, "__module__", None) or "").partition(".")[0] in self._units:
            if self._stop:
                raise _Touched
            place = self._formers.place(obj)
            if place and found(*place) is not None:
                return operator.attrgetter(place[1]), (sys.modules[place[0]],)
        return NotImplemented


def by_name(value: object, units: frozenset[str], formers: Formers) -> bytes | None:
    """``value`` pickled; None if nothing of the user's classes is in it (or it can't be pickled: pyspark says so)."""
    target = io.BytesIO()
    try:
        _ByName(_Nowhere(), units, formers).dump(value)  # it may be large, and mostly there are none
    except _Touched:
        _ByName(target, units, formers, stop=False).dump(value)
        return target.getvalue()
    except (pickle.PickleError, AttributeError, TypeError, RecursionError):
        return None
    return None


class _Touched(Exception):
    """There is an object of the user's classes."""


class _Nowhere(io.RawIOBase):
    """Keeps nothing of what is written."""

    def write(self, content: object) -> int:
        return len(content)  # type: ignore[arg-type]  # bytes, or a buffer of them


def current(each: Any) -> Any:  # noqa: ANN401
    """What has the name now that ``each`` had in its module, if it was replaced; else itself."""
    module, name = getattr(each, "__module__", None), getattr(each, "__qualname__", None)
    now = found(module, name) if module and name else None
    return each if now is None else now
