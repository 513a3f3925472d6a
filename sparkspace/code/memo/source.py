"""The meaning of a function's source: its syntax tree without comments, layout, docstring and type hints.

What runs counts, not what lies on the disk. So the tree of a file is believed only if it compiles to the very bytecode
that the function has. Where it does not (edited since it was imported; made by ``exec``) the bytecode itself is hashed.
"""

from __future__ import annotations

import ast
import functools
import linecache
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from . import references
from .leaf import digest
from .shape import shape

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Text:
    """A function as it is written."""

    digest: str
    handed_on: frozenset[str]  # names used otherwise than to be called: who gets them may read their type hints
    looked_up: frozenset[str]  # constants in getattr(…, "name")
    is_dynamic: bool  # getattr(…, name)
    decorators: tuple[tuple[str, CodeType], ...] = ()  # each in words, and what it looks up when the module is loaded


def find(code: CodeType, namespace: Mapping[str, Any]) -> Text | None:
    """The text that ``code`` was compiled from; None if it can't be found any more. ``namespace``: its module's."""
    return _index(code.co_filename, namespace).get((code.co_name, shape(code)))


def _index(path: str, namespace: Mapping[str, Any]) -> Mapping[tuple[str, str], Text]:
    try:
        stat = os.stat(path)
    except OSError:  # a notebook's cell, or a module in a zip
        return _parsed("".join(linecache.getlines(path, dict(namespace))))
    return _of_file(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@functools.lru_cache(maxsize=8192)
def _of_file(path: str, mtime_ns: int, size: int, inode: int) -> Mapping[tuple[str, str], Text]:
    try:
        with open(path, "rb") as file:
            return _parsed(file.read())
    except OSError:
        return {}


@functools.lru_cache(maxsize=8192)
def _parsed(source: str | bytes) -> Mapping[tuple[str, str], Text]:
    """(Name, shape) → text of every function of a source. Two lambdas of one line can't be told apart: neither."""
    try:
        tree = ast.parse(source)
        whole = compile(source, "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return {}
    nodes: dict[tuple[str, int], list[_Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            nodes.setdefault((getattr(node, "name", "<lambda>"), _first_line(node)), []).append(node)
    found: dict[tuple[str, str], Text] = {}
    for code in references.nested(whole):
        here = nodes.get((code.co_name, code.co_firstlineno), [])
        if len(here) == 1:
            found.setdefault((code.co_name, shape(code)), _Lazy(here[0]))  # type: ignore[arg-type]
    return _Texts(found)


class _Lazy:
    def __init__(self, node: _Function) -> None:
        self.node = node


class _Texts(dict[tuple[str, str], Text]):
    """Makes a text when it is asked for: most functions of a file never are."""

    def get(self, key: tuple[str, str], default: Any = None) -> Any:  # noqa: ANN401
        found = super().get(key, default)
        if isinstance(found, _Lazy):
            found = self[key] = read(found.node)
        return found


def _first_line(node: _Function) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(each.lineno for each in decorators)])


def read(node: _Function) -> Text:
    """What a syntax tree says. Defaults are left out: they are hashed alive."""
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(_statements(node.body))
    arguments = node.args
    names = [
        *(f"{each.arg}/" for each in arguments.posonlyargs),
        *(each.arg for each in arguments.args),
        *(f"*{each.arg}" for each in [arguments.vararg] if each),
        *(f"{each.arg}=" for each in arguments.kwonlyargs),
        *(f"**{each.arg}" for each in [arguments.kwarg] if each),
    ]
    words = [type(node).__name__, getattr(node, "name", ""), *names]
    for statement in body:
        words.extend(_words(statement))
    return Text(digest(*words), *_uses(body), tuple(map(_decorator, getattr(node, "decorator_list", []))))


def _decorator(node: ast.expr) -> tuple[str, CodeType]:
    return digest(*_words(node)), compile(ast.Expression(node), "<decorator>", "eval", dont_inherit=True)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """A body without its docstring, and without ``pass``, which may stand in its place."""
    for at, statement in enumerate(body):
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not isinstance(statement, ast.Pass) and not (at == 0 and is_text):
            yield statement


def _words(node: object) -> Iterator[str]:
    """A syntax tree in words, unambiguously; where its parts stood is left out."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:  # hints of locals are not even evaluated
        yield from ("(Assign", "[")
        yield from _words(node.target)
        yield "]"
        yield from _words(node.value)
        yield ")"
    elif isinstance(node, ast.AST):
        yield "(" + type(node).__name__
        for name, value in ast.iter_fields(node):
            if name not in ("ctx", "kind", "type_comment", "type_ignores"):
                has_doc = name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                keeps_hints = not (isinstance(node, ast.ClassDef) and name == "body")
                yield from _words(list(_statements(value)) if has_doc else value) if keeps_hints else _class(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for each in node:
            yield from _words(each)
        yield "]"
    else:
        yield repr(node)


def _class(body: list[ast.stmt]) -> Iterator[str]:
    """A class in a function: the hints of its fields may be read by a dataclass."""
    for statement in _statements(body):
        if isinstance(statement, ast.AnnAssign):
            yield "field"
            yield from _words(statement.annotation)
        yield from _words(statement)


def _uses(body: list[ast.AST]) -> tuple[frozenset[str], frozenset[str], bool]:
    """Names handed on, constants looked up by getattr, and whether anything else is."""
    called, loaded, looked_up = set(), [], set()
    is_dynamic = False
    for node in (each for statement in body for each in ast.walk(statement)):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr", "hasattr", "delattr"):
                wanted = node.args[1] if len(node.args) > 1 else None
                if isinstance(wanted, ast.Constant):
                    looked_up.add(str(wanted.value))
                else:
                    is_dynamic = True
        if isinstance(node, ast.Name | ast.Attribute):
            loaded.append(node)
    handed_on = {node.id if isinstance(node, ast.Name) else node.attr for node in loaded if id(node) not in called}
    return frozenset(handed_on), frozenset(looked_up), is_dynamic
