"""Whoever holds a class or a member of an enumeration that was replaced: given its successor, as far as that goes.

Lists, dictionaries, sets, queues, attributes, defaults and closures are. Tuples and frozen sets can't be changed.
"""

from __future__ import annotations

import collections
import contextlib
import gc
from collections.abc import Iterable
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any


def move(pairs: Iterable[tuple[Any, Any]], besides: Iterable[object] = ()) -> None:
    """Put the second of each pair wherever the first is, but not into ``besides``. One pass over the heap."""
    successors = {id(old): (old, new) for old, new in pairs}
    olds = tuple(old for old, _ in successors.values())
    spared = {id(each) for each in besides}
    holders = gc.get_referrers(*olds) if olds else []
    _put_defaults([each for each in holders if type(each) is tuple], successors)
    for holder in holders:
        if id(holder) not in spared:
            with contextlib.suppress(AttributeError, TypeError, ValueError, RuntimeError):  # it does not like it
                _put(holder, successors)


def _put_defaults(tuples: list[tuple[Any, ...]], successors: dict[int, tuple[Any, Any]]) -> None:
    """Of functions: their defaults are a tuple, which is theirs alone."""
    known = {id(each) for each in tuples}
    for each in gc.get_referrers(*tuples) if tuples else ():
        if isinstance(each, FunctionType) and id(each.__defaults__) in known:
            each.__defaults__ = tuple(successors.get(id(one), (None, one))[1] for one in each.__defaults__ or ())


def _put(holder: Any, successors: dict[int, tuple[Any, Any]]) -> None:  # noqa: ANN401
    if isinstance(holder, dict):
        owner = _owner(holder)
        if owner is None:
            _put_items(holder, successors)
        for name, value in list(holder.items()) if owner is not None else ():
            if id(value) in successors:
                setattr(owner, name, successors[id(value)][1])
    elif isinstance(holder, list):
        holder[:] = [successors.get(id(each), (None, each))[1] for each in holder]
    elif isinstance(holder, collections.deque):
        for place, each in enumerate(holder):
            holder[place] = successors.get(id(each), (None, each))[1]
    elif isinstance(holder, set):
        for old, new in [successors[id(each)] for each in holder if id(each) in successors]:
            holder.remove(old)
            holder.add(new)
    elif isinstance(holder, CellType):
        holder.cell_contents = successors.get(id(holder.cell_contents), (None, holder.cell_contents))[1]
    elif not isinstance(holder, tuple | frozenset | type):
        _put_attributes(holder, successors)


def _put_attributes(holder: Any, successors: dict[int, tuple[Any, Any]]) -> None:  # noqa: ANN401
    if hasattr(holder, "__dict__"):
        _put_items(vars(holder), successors)
    for kind in type(holder).__mro__:
        for slot, descriptor in list(vars(kind).items()):
            if isinstance(descriptor, MemberDescriptorType) and id(getattr(holder, slot, None)) in successors:
                setattr(holder, slot, successors[id(getattr(holder, slot))][1])


def _put_items(holder: dict[Any, Any], successors: dict[int, tuple[Any, Any]]) -> None:
    if any(id(key) in successors for key in holder):
        items = [(successors.get(id(key), (None, key))[1], value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
    for key, value in list(holder.items()):
        if id(value) in successors:
            holder[key] = successors[id(value)][1]


def _owner(namespace: dict[Any, Any]) -> type | None:
    """The class that this is the namespace of: writing into it would not be noticed by Python's own caches."""
    if "__module__" not in namespace or "__doc__" not in namespace:
        return None
    return next((each for each in gc.get_referrers(namespace) if isinstance(each, type)), None)
