"""Bytecode as a digest: all but where it stood, and its docstring."""

from __future__ import annotations

import functools
import sys
from types import CodeType

from .leaf import digest

_HAS_DOCSTRING = 0x4000000  # inspect.CO_HAS_DOCSTRING, since Python 3.13


@functools.lru_cache(maxsize=65536)
def shape(code: CodeType) -> str:
    """A digest of bytecode: all but where it stood, and its docstring."""
    consts = list(code.co_consts)
    before_3_13 = not code.co_name.startswith("<") and bool(consts) and isinstance(consts[0], str)
    if code.co_flags & _HAS_DOCSTRING or (before_3_13 and sys.version_info < (3, 13)):
        consts[0] = None
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_HAS_DOCSTRING)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    table = getattr(code, "co_exceptiontable", b"")
    return digest(code.co_name, code.co_code.hex(), table.hex(), repr(counts), repr(names), *map(_const, consts))


def _const(value: object) -> str:
    if isinstance(value, CodeType):
        return shape(value)
    if isinstance(value, tuple):
        return "(" + ",".join(map(_const, value)) + ")"
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(map(_const, value))) + "}"
    return repr(value)
