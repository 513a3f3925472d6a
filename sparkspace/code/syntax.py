"""What a project's sources import, as their text says it. Never of another text than the one that is asked about."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .boot.modules import Module

# Whoever uses these may import anything.
_DYNAMIC = frozenset({"importlib", "pkgutil", "runpy", "__import__", "exec", "eval"})
ANYTHING = "*"

Found = TypeVar("Found")


class Reader(Generic[Found]):
    """Asks syntax trees of modules, once for each content."""

    def __init__(self, ask: Callable[[ast.AST, str], Found], otherwise: Found) -> None:
        self._ask = ask
        self._otherwise = otherwise
        self._known: dict[tuple[str, str], Found] = {}

    def __call__(self, module: Module, name: str) -> Found:
        """The answer; ``otherwise`` if the file can't be read as Python, or holds something else by now."""
        key = (module.sha256, name)
        if key not in self._known:
            tree = parsed(module)
            if tree is None:
                return self._otherwise
            is_package = module.file.endswith("__init__.py")
            self._known[key] = self._ask(tree, name if is_package else name.rpartition(".")[0])
        return self._known[key]


def parsed(module: Module) -> ast.AST | None:
    """A module's syntax tree."""
    try:
        with open(module.file, "rb") as file:
            content = file.read()
        return ast.parse(content) if hashlib.sha256(content).hexdigest() == module.sha256 else None
    except (OSError, SyntaxError, ValueError):
        return None


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from _prefixes(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name) and node.id in _DYNAMIC:
            yield ANYTHING


def _prefixes(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))
    if dotted in _DYNAMIC:
        yield ANYTHING


def _late(tree: ast.AST, package: str) -> tuple[tuple[int, frozenset[str]], ...]:
    """(line, the dotted names) of each import inside a function."""
    inner = (
        below
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for below in ast.walk(node)
        if isinstance(below, ast.Import | ast.ImportFrom)
    )
    return tuple((node.lineno, frozenset(_imports(node, package))) for node in inner)


imports = Reader(lambda tree, package: frozenset(_imports(tree, package)), frozenset({ANYTHING}))
late: Reader[tuple[tuple[int, frozenset[str]], ...]] = Reader(_late, ())
