"""A function as it will run: its text or bytecode, what its names stand for, decorators, closure, defaults."""

from __future__ import annotations

from dataclasses import replace
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from . import lookups, origin, references, source, spark, suspects, values
from .leaf import digest
from .look import Site
from .shape import shape

if TYPE_CHECKING:
    from .walk import Walk


def look(walk: Walk, function: FunctionType, name: str) -> None:
    """Add the leaf of a function called ``name``."""
    code, namespace = function.__code__, function.__globals__
    uses, text = references.of(code), source.find(code, namespace)
    place = origin.place(code.co_filename, code.co_firstlineno)
    site = _site(f"{name} ({place})" if place else name, function, text)
    if suspects.are_dynamic(uses, text, namespace):
        walk.doubt("whole", site.where)
    edges = lookups.words(walk, uses.globals, site)
    for words, made_by in text.decorators if text else ():
        edges += _decorator(walk, words, made_by, site)
    edges += [lookups.imported(walk, each, site) for each in uses.imports]
    edges += filter(None, [lookups.attached(walk, each, site) for each in spark.classes()])  # as many as are loaded
    edges += _own(walk, function)
    walk.add("code", name, digest(text.digest if text else shape(code), *edges), place)


def _site(where: str, function: FunctionType, text: source.Text | None) -> Site:
    uses = references.of(function.__code__)
    looked_up, handed_on = (text.looked_up, text.handed_on) if text else (frozenset(), None)
    return Site(where, function.__globals__, uses.names | looked_up, uses.loose, handed_on)


def _own(walk: Walk, function: FunctionType) -> list[str]:
    """What a function object holds: cells, defaults, attributes."""
    held = {"defaults": function.__defaults__, "keywords": function.__kwdefaults__, "own": vars(function)}
    return [
        *(f"cell {key}={values.word(walk, value)}" for key, value in _closure(function)),
        *(f"{key}={values.word(walk, value)}" for key, value in held.items() if value),
    ]


def _decorator(walk: Walk, words: str, code: CodeType, site: Site) -> list[str]:
    """What a decorator is made of. Ours are left out: what they are told has leaves of its own."""
    uses = references.of(code)
    if any(_is_ours(site.namespace.get(name)) for name in uses.globals):
        return []
    here = replace(site, names=uses.names, loose=uses.loose, handed_on=None)
    return [f"decorator {words}", *lookups.words(walk, uses.globals, here)]


def _is_ours(thing: object) -> bool:
    name = thing.__name__ if isinstance(thing, ModuleType) else str(getattr(thing, "__module__", ""))
    return name.partition(".")[0] == "sparkspace"


def _closure(function: FunctionType) -> list[tuple[str, Any]]:
    found = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not yet filled
            found.append((name, None))
    return found


def wrapped(function: FunctionType) -> list[Any]:
    """What a wrapper wraps: functions, and what can be compared; the wrapper's own machinery belongs to its package."""
    held = [value for _, value in _closure(function) if values.is_code(value)]
    inner = getattr(function, "__wrapped__", None)
    return held + [inner for _ in [0] if inner is not None and all(inner is not each for each in held)]
