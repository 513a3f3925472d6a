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

from .pickling import members

Replaced = Mapping[str, tuple[ModuleType, ModuleType | None]]
_COPIED = ("__code__", "__defaults__", "__kwdefaults__", "__doc__", "__annotations__")


def migrate(replaced: Replaced, names: dict[str, Any], imported: Mapping[str, tuple[str, str]]) -> None:
    """Bring over functions, objects and modules, and ``names``, what a shell's lines are run in.

    ``imported``: name → the module, and the name in it, that a line like ``from mylib import f as name`` took it from.
    """
    classes: dict[type, type] = {}
    others: dict[int, Any] = {}
    for old, new in replaced.values():
        others[id(old)] = new
        if new is None:
            continue
        for before, after in pairs(old, new):
            others[id(before)] = after
            if isinstance(before, FunctionType) and isinstance(after, FunctionType):
                patch(before, after)
            elif isinstance(before, type) and isinstance(after, type):
                classes[before] = after
        forward(old, new)
    move_objects(classes)
    move_subclasses(classes)
    rebind(names, others, classes)
    for name, (module, attribute) in imported.items():
        if module in replaced and name in names and hasattr(sys.modules.get(module), attribute):
            names[name] = getattr(sys.modules[module], attribute)


def pairs(old: ModuleType, new: ModuleType) -> Iterator[tuple[Any, Any]]:
    """What has the same name in both, and is not the same."""
    after = dict(members(new))
    for path, before in members(old):
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
    for name in [name for name in vars(old) if name not in vars(new)]:
        del vars(old)[name]
    vars(old).update(vars(new))
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
                each.__class__ = new


def move_subclasses(classes: Mapping[type, type]) -> None:
    """Classes of a notebook that derive from one of the project's."""
    for old in classes:
        below: type
        for below in type.__subclasses__(old):
            if below not in classes and below.__module__ == "__main__":
                with contextlib.suppress(TypeError):
                    below.__bases__ = tuple(classes.get(base, base) for base in below.__bases__)


def rebind(names: dict[str, Any], others: Mapping[int, Any], classes: Mapping[type, type]) -> None:
    """The names of a shell: modules, functions and classes by what they are, members of enumerations by their name."""
    for name, value in list(names.items()):
        if id(value) in others and others[id(value)] is not None:
            names[name] = others[id(value)]
        elif isinstance(value, enum.Enum) and type(value) in classes:
            with contextlib.suppress(AttributeError):
                names[name] = getattr(classes[type(value)], value.name)
