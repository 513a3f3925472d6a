"""Which names a piece of compiled code looks up, by its bytecode: scopes are exact there, and no source is needed."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple

_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL"})
_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_NOTHING = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL", "PRECALL"})


class Import(NamedTuple):
    """An import statement in a function: ``from <level dots><module> import <name> as <own>``, or ``import …``."""

    level: int
    module: str
    names: tuple[str, ...]  # none: the module itself
    own: tuple[str, ...]  # what they are called here


@dataclass(frozen=True)
class References:
    """The names of a code object and of all that is nested in it."""

    globals: frozenset[str]  # looked up in the module, then among the builtins
    names: frozenset[str]  # these, all attributes, and what is imported by name
    loose: frozenset[str]  # used otherwise than as ``name.attribute``: handed on, indexed, called, kept
    imports: tuple[Import, ...]


@functools.lru_cache(maxsize=65536)
def of(code: CodeType) -> References:
    """The references of ``code``."""
    found: set[str] = set()
    names: set[str] = set()
    loose: set[str] = set()
    imports: list[Import] = []
    for each in nested(code):
        names.update(each.co_names)
        steps = [step for step in dis.get_instructions(each) if step.opname not in _NOTHING]
        for at, step in enumerate(steps):
            following = steps[at + 1].opname if at + 1 < len(steps) else ""
            if step.opname in _GLOBAL:
                found.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                wanted = tuple(steps[at - 1].argval or ())
                own = tuple(_stored(steps[at:], len(wanted) or 1))
                imports.append(Import(steps[at - 2].argval, step.argval, wanted, own))
            if following not in _ATTRIBUTE:
                loose.update(_loaded(step))
    return References(frozenset(found), frozenset(names), frozenset(loose), tuple(imports))


def _stored(steps: list[dis.Instruction], count: int) -> Iterator[str]:
    """The names that the next ``count`` values go to. One instruction may store and load at once, since Python 3.13."""
    for step in steps:
        if step.opname.startswith("STORE_") and count:
            yield step.argval[0] if isinstance(step.argval, tuple) else str(step.argval)
            count -= 1


def _loaded(step: dis.Instruction) -> tuple[str, ...]:
    if step.opname == "STORE_FAST_LOAD_FAST":
        return (step.argval[1],)
    if not step.opname.startswith("LOAD_") or step.opname in ("LOAD_CONST", "LOAD_CLOSURE"):
        return ()
    return step.argval if isinstance(step.argval, tuple) else (str(step.argval),)


def nested(code: CodeType) -> Iterator[CodeType]:
    """``code`` and every function, lambda, comprehension and class body in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from nested(const)
