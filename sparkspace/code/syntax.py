"""What a project's sources import, as their text says it. Never of another text than the one that is asked about."""

from __future__ import annotations

import ast
import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .boot.modules import Module

# Whoever uses these may import anything.
_DYNAMIC = frozenset({"importlib", "pkgutil", "runpy", "__import__", "exec", "eval"})
ANYTHING = "*"
_SOURCES: dict[str, bytes] = {}

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


def remember(module: Module) -> None:
    """Keep a module's source, for its file may be another when somebody asks."""
    if module.sha256 not in _SOURCES:
        with contextlib.suppress(OSError), open(module.file, "rb") as file:
            content = file.read()
            if hashlib.sha256(content).hexdigest() == module.sha256:
                _SOURCES[module.sha256] = content


def parsed(module: Module) -> ast.AST | None:
    """A module's syntax tree."""
    remember(module)
    try:
        return ast.parse(_SOURCES[module.sha256])
    except (KeyError, SyntaxError, ValueError):
        return None


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _prefixes(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            yield from _prefixes(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name) and node.id in _DYNAMIC:
            yield ANYTHING


def _base(node: ast.ImportFrom, package: str) -> str:
    """What is imported from, by its full name."""
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*above, *filter(None, [node.module])])


def _prefixes(dotted: str) -> Iterator[str]:
    parts = dotted.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))
    if dotted in _DYNAMIC:
        yield ANYTHING


def _entered(tree: ast.AST, package: str) -> frozenset[str]:
    """The dotted names that a module's own lines decorate with, call for nothing, or write to: of others, maybe."""
    lines = [node for node in ast.iter_child_nodes(tree)]
    bound = dict(_bindings(lines, package))
    touched: list[ast.expr] = []
    for node in lines:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            touched += node.decorator_list
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            touched.append(node.value)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            touched += [each for each in targets if isinstance(each, ast.Attribute | ast.Subscript)]
    paths = [_path(each) for each in touched]
    return frozenset(".".join([bound[path[0]], *path[1:]]) for path in paths if path and path[0] in bound)


def _bindings(lines: list[ast.AST], package: str) -> Iterator[tuple[str, str]]:
    """(name, what it stands for) of each import of these lines."""
    for node in lines:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{_base(node, package)}.{alias.name}"


def _path(node: ast.AST) -> list[str]:
    """``a.b[0].c(1)`` → a, b, c."""
    if isinstance(node, ast.Call):
        return _path(node.func)
    if isinstance(node, ast.Subscript):
        return _path(node.value)
    if isinstance(node, ast.Attribute):
        return [*path, node.attr] if (path := _path(node.value)) else []
    return [node.id] if isinstance(node, ast.Name) else []


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
entered: Reader[frozenset[str]] = Reader(_entered, frozenset())
late: Reader[tuple[tuple[int, frozenset[str]], ...]] = Reader(_late, ())
