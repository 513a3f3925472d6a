"""What still refers to the code before an edit, in the driver: brought over to the code after it, as far as that goes.

Functions take on the new code in place, so that closures, callbacks and whatever else holds one runs what is in the
file now. Objects change their class. The names of a notebook or shell are bound anew, since ``from mylib import LIMIT``
was typed before the edit.
"""

from __future__ import annotations

import contextlib
import enum
import gc
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from . import references
from .closures import refill
from .pickling import Formers, members

Replaced = Mapping[str, tuple[ModuleType, ModuleType | None]]
_COPIED = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__annotations__")


def migrate(
    replaced: Replaced, formers: Formers, names: dict[str, Any], imported: Mapping[str, tuple[str, str]]
) -> None:
    """Bring over functions, objects and modules, and ``names``, what a shell's lines are run in.

    ``formers``: what all earlier versions had, the one before included.
    ``imported``: name → the module, and the name in it, that a line like ``from mylib import f as name`` took it from.
    """
    classes: dict[type, type] = {}
    others: dict[int, Any] = {}
    bound = list(still_bound(replaced, names, imported))
    for old, new in replaced.values():
        others[id(old)] = new
        if new is None:
            continue
        for before, after in pairs(formers, new):
            others[id(before)] = after
            if isinstance(before, FunctionType) and isinstance(after, FunctionType):
                patch(before, after)
                refill(before.__globals__, new)
            elif isinstance(before, type) and isinstance(after, type):
                classes[before] = after
            elif hasattr(before, "cache_clear"):
                before.cache_clear()
        forward(old, new)
    move_objects(classes)
    move_subclasses(classes)
    references.move([*classes.items(), *members_of_enumerations(classes)], (classes, others))
    for before, after in list(classes.items()):
        forward_class(before, after)
    rebind(names, others)
    for name, module, attribute in bound:
        if hasattr(sys.modules.get(module), attribute):
            names[name] = getattr(sys.modules[module], attribute)


def still_bound(
    replaced: Replaced, names: Mapping[str, Any], imported: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, str, str]]:
    """(name, module, name in it) of what has not been bound to something else since a line imported it."""
    for name, (module, attribute) in imported.items():
        before = vars(replaced[module][0]) if module in replaced else {}
        for target, source in exported(before) if attribute == "*" else [(name, attribute)]:
            if source in before and target in names and names[target] is before[source]:
                yield target, module, source


def exported(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What ``import *`` takes from a module."""
    return [(name, name) for name in names.get("__all__", [name for name in names if not name.startswith("_")])]


def pairs(formers: Formers, new: ModuleType) -> Iterator[tuple[Any, Any]]:
    """What has the same name in an earlier version of a module and in this, and is not the same."""
    after = dict(members(new))
    for path, before in formers.of(new.__name__):
        if path in after and after[path] is not before:
            yield before, after[path]


def patch(before: FunctionType, after: FunctionType) -> None:
    """Have a function do what another does. One with other free variables can't be; then it stays as it is."""
    if len(before.__code__.co_freevars) != len(after.__code__.co_freevars):
        return
    for name in _COPIED:
        setattr(before, name, getattr(after, name))
    before.__dict__.update(after.__dict__)
    for old, new in zip(before.__closure__ or (), after.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # an empty cell
            old.cell_contents = new.cell_contents


class Forwarded(ModuleType):
    """A module that was replaced, and is still held by somebody: shows what is in its successor."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        if name in ("__dict__", "__class__"):
            return super().__getattribute__(name)
        return getattr(sys.modules[super().__getattribute__("__name__")], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(sys.modules[self.__dict__["__name__"]], name, value)


def forward(old: ModuleType, new: ModuleType) -> None:
    """Old functions, patched, look their globals up in the old module: let them find the new ones there."""
    refill(vars(old), new)
    with contextlib.suppress(TypeError):  # a module with a class of its own
        old.__class__ = Forwarded


def move_objects(classes: Mapping[type, type]) -> None:
    """Give the objects of a class to its successor, wherever they are; one pass over the heap."""
    movable = [old for old in classes if not issubclass(old, enum.Enum)]
    if not movable:
        return
    for each in gc.get_referrers(*movable):
        new = classes.get(type(each))
        if new is not None:
            with contextlib.suppress(TypeError):  # another layout: __slots__ were changed
                object.__setattr__(each, "__class__", new)  # a frozen dataclass has its own


def move_subclasses(classes: Mapping[type, type]) -> None:
    """Classes of a notebook that derive from one of the project's."""
    for old in classes:
        below: type
        for below in type.__subclasses__(old):
            if below not in classes and below.__module__ == "__main__":
                with contextlib.suppress(TypeError):
                    below.__bases__ = tuple(classes.get(base, base) for base in below.__bases__)


def members_of_enumerations(classes: Mapping[type, type]) -> Iterator[tuple[enum.Enum, enum.Enum]]:
    """The members that have the same name before and after."""
    for before, after in classes.items():
        if issubclass(before, enum.Enum) and issubclass(after, enum.Enum):
            for name, member in before.__members__.items():
                if name in after.__members__:
                    yield member, after.__members__[name]


def forward_class(before: type, after: type) -> None:
    """Have a class that somebody still holds make objects of its successor, and have the same constants."""
    if issubclass(before, enum.Enum):
        return
    make = before.__new__

    def successor(kind: type, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if kind is before:
            return after(*args, **kwargs)
        return make(kind) if make is object.__new__ else make(kind, *args, **kwargs)

    with contextlib.suppress(TypeError, AttributeError):  # a metaclass of its own does not like it
        before.__new__ = staticmethod(successor)  # type: ignore[assignment]
        for name, value in vars(after).items():
            if not name.startswith("__") and not hasattr(type(value), "__get__"):
                setattr(before, name, value)


def rebind(names: dict[str, Any], others: Mapping[int, Any]) -> None:
    """The names of a shell: modules, functions and classes by what they are."""
    for name, value in list(names.items()):
        if id(value) in others and others[id(value)] is not None:
            names[name] = others[id(value)]
