"""Imports that happen while a function runs: by then, it can't be known any more for which version it was made."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from .boot.modules import Module
from .parcel import Version


def first(version: Version) -> str:
    """The first place where the project imports a part of itself inside a function, ``file:line``; empty if nowhere."""
    for _, module in sorted(version.modules.items()):
        line = _line(module, version.units)
        if line:
            return f"{module.file}:{line}"
    return ""


@functools.lru_cache(maxsize=65536)
def _line(module: Module, units: frozenset[str]) -> int:
    try:
        with open(module.file, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return 0
    return min((node.lineno for node in _inner_imports(tree) if names(node) & units or is_relative(node)), default=0)


def _inner_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (below for below in ast.walk(node) if isinstance(below, ast.Import | ast.ImportFrom))


def names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The top-level names that a statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {node.module.partition(".")[0]} if node.module else set()


def is_relative(node: ast.Import | ast.ImportFrom) -> bool:
    """``from . import x``"""
    return isinstance(node, ast.ImportFrom) and node.level > 0
