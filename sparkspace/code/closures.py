"""Functions that were made inside other functions, or have no name: pickled by value, so their code must be of now."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .pickling import members
from .reload import EditFailed

CURE = "Make it again: run the line that made it."


@dataclass(frozen=True)
class Nested:
    """A function's code, and that of the functions and classes around it, the nearest first; else its module's."""

    code: CodeType
    outer: tuple[CodeType, ...]


@dataclass(frozen=True)
class Successor:
    """What an edit has made of some code: None: it is gone. ``remade``: what is around it has changed, too."""

    before: weakref.ref[CodeType]
    code: CodeType | None
    remade: bool


Tree = Mapping[str, list[Nested]]


class Closures:
    """Knows what has become of all code of the modules that were imported anew."""

    def __init__(self) -> None:
        self._next: dict[int, Successor] = {}
        self._now: dict[str, Tree] = {}

    def follow(self, module: str, before: Tree, after: Tree) -> None:
        """Note an edit: which code has taken the place of which."""
        self._now[module] = after
        for path, olds in before.items():
            for old, new in zip(olds, matched(olds, after.get(path, [])), strict=True):
                key = id(old.code)
                gone = weakref.ref(old.code, lambda _, key=key: self._next.pop(key, None))  # type: ignore[misc]
                remade = new is None or not all(map(same_around, old.outer, new.outer))
                self._next[key] = Successor(gone, new.code if new else None, remade)

    def bring_over(self) -> None:
        """Give the functions that somebody holds the code of now. What can't be is refused when it is sent."""
        olds = [each.before() for each in list(self._next.values())]
        wanted = {id(code) for code in olds if code is not None}
        for each in gc.get_referrers(*olds) if olds else ():
            if isinstance(each, FunctionType) and id(each.__code__) in wanted:
                with contextlib.suppress(EditFailed):
                    self.renew(each)

    def renew(self, function: FunctionType) -> None:
        """Give a function the code that its file has for it now.

        Raises:
            EditFailed: the file has none, or it holds values that would be others now.
        """
        name = str(function.__globals__.get("__name__"))
        if name in self._now and name in sys.modules:
            refill(function.__globals__, sys.modules[name])
        code, remade = self._newest(function.__code__)
        if code is function.__code__:
            code = self._by_name(function)
        if code is function.__code__:
            return
        holds = function.__closure__ or function.__defaults__ or function.__kwdefaults__
        if code is None or code.co_freevars != function.__code__.co_freevars or (remade and holds):
            raise EditFailed(
                f"{function.__module__}.{function.__qualname__} was made before an edit, and can't be brought up to "
                f"date: {'its file has none now' if code is None else 'what made it has changed, too'}.",
                CURE,
            )
        function.__code__ = code

    def _newest(self, code: CodeType) -> tuple[CodeType | None, bool]:
        remade = False
        while (found := self._next.get(id(code))) is not None and found.before() is code:
            remade |= found.remade
            if found.code is None:
                return None, True
            code = found.code
        return code, remade

    def _by_name(self, function: FunctionType) -> CodeType | None:
        """Of a module that was imported before anybody looked, what was at its top is not known."""
        code = function.__code__
        tree = self._now.get(str(function.__globals__.get("__name__")))
        if tree is None or any(each.code is code for found in tree.values() for each in found):
            return code  # its module is as it was at the beginning, or it is of now
        alike = [each.code for found in tree.values() for each in found if each.code.co_name == code.co_name]
        name = getattr(code, "co_qualname", None)  # from Python 3.11 on
        alike = [each for each in alike if name is None or each.co_qualname == name]  # type: ignore[attr-defined]
        if len(alike) != 1:
            return None
        return code if same(code, alike[0]) else alike[0]


def refill(names: dict[str, Any], new: ModuleType) -> None:
    """Have the globals of an earlier version of a module be those of now."""
    if names is vars(new) or names.get("__name__") != new.__name__:
        return
    for name in [name for name in names if name not in vars(new)]:
        del names[name]
    names.update(vars(new))


def matched(olds: list[Nested], news: list[Nested]) -> list[Nested | None]:
    """The successors of functions that have one name in one place: in their order, or those that are as they were."""
    if len(olds) == len(news):
        return list(news)
    alike = [[new for new in news if same(old.code, new.code)] for old in olds]
    return [found[0] if len(found) == 1 else None for found in alike]


def tree(code: CodeType) -> Tree:
    """Every function and class of a module, by its path."""
    found: dict[str, list[Nested]] = {}
    for path, each in nested(code, "", ()):
        found.setdefault(path, []).append(Nested(each.code, each.outer or (code,)))
    return found


def tree_of(module: ModuleType) -> Tree:
    """The same of a module whose code is not known: what can be reached by names, and all inside of that."""
    found: dict[str, list[Nested]] = {}
    for path, each in members(module):
        if isinstance(each, FunctionType) and each.__module__ == module.__name__:
            found.setdefault(path, []).append(Nested(each.__code__, ()))
            for below, inner in nested(each.__code__, f"{path}.<locals>.", (each.__code__,)):
                found.setdefault(below, []).append(inner)
    return found


def nested(code: CodeType, prefix: str, outer: tuple[CodeType, ...]) -> Iterator[tuple[str, Nested]]:
    """Every function and class in ``code``, with its qualified name."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            name = prefix + constant.co_name
            yield name, Nested(constant, outer)
            is_function = constant.co_flags & 0x2  # CO_NEWLOCALS: a class's body has it not
            yield from nested(constant, f"{name}.<locals>." if is_function else f"{name}.", (constant, *outer))


def same(one: CodeType, other: CodeType) -> bool:
    """Whether two do the same, wherever they stand in their files."""
    return same_around(one, other) and all(map(_same_inside, one.co_consts, other.co_consts))


def same_around(one: CodeType, other: CodeType) -> bool:
    """Whether two do the same, but for the functions inside of them."""
    return (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and one.co_varnames == other.co_varnames
        and one.co_freevars == other.co_freevars
        and (one.co_flags, one.co_argcount, one.co_posonlyargcount, one.co_kwonlyargcount)
        == (other.co_flags, other.co_argcount, other.co_posonlyargcount, other.co_kwonlyargcount)
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_same_value, one.co_consts, other.co_consts))
    )


def _same_inside(one: object, other: object) -> bool:
    return not isinstance(one, CodeType) or (isinstance(other, CodeType) and same(one, other))


def _same_value(one: object, other: object) -> bool:
    """``repr`` tells 1 from 1.0 and from True, in a tuple too."""
    if isinstance(one, CodeType) or isinstance(other, CodeType):
        return isinstance(one, CodeType) and isinstance(other, CodeType)
    return type(one) is type(other) and repr(one) == repr(other)
