"""Where code comes from: the project, an installed package, or Python itself."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .. import roots

PYTHON, PROJECT, PACKAGE = "python", "project", "package"


def of_module(name: str, namespace: Mapping[str, Any]) -> str:
    """Which of the three the module of this name and these contents is."""
    top = name.partition(".")[0]
    if top in ("__main__", "__mp_main__"):
        return PROJECT
    if top in sys.stdlib_module_names or top == "builtins":
        return PYTHON
    if top in roots.NOT_THE_USERS:
        return PACKAGE
    file = namespace.get("__file__")
    if file:
        return PROJECT if _is_the_users(os.path.dirname(file)) else PACKAGE
    search = list(namespace.get("__path__", ()))
    return PROJECT if not search or any(map(_is_the_users, search)) else PACKAGE


@functools.lru_cache(maxsize=4096)
def _is_the_users(folder: str) -> bool:
    return roots.is_the_users(folder)


@functools.lru_cache(maxsize=4096)
def is_beside_code(path: str) -> bool:
    """Whether there is such a file or folder in a package of the project."""
    if not path.startswith("/") or not os.path.exists(path):
        return False
    within = [Path(path), *Path(path).parents]
    return any((each / "__init__.py").is_file() and _is_the_users(str(each)) for each in within)


def is_found(top: str) -> bool:
    """Whether a top-level name, loaded or not, is the project's. Nothing is imported."""
    loaded = sys.modules.get(top)
    if loaded is not None:
        return of_module(top, vars(loaded)) == PROJECT
    return any(True for _ in roots.located(top))


def of_function(function: FunctionType) -> str:
    """Where its code was written; a wrapper (``functools.wraps``) belongs to who wrote the wrapper."""
    namespace = function.__globals__
    return of_module(str(namespace.get("__name__", "__main__")), namespace)


def of_class(cls: type) -> str:
    """Where a class was defined."""
    return of_module(cls.__module__, vars(sys.modules.get(cls.__module__, ModuleType(cls.__module__))))


def home(name: str) -> str:
    """A module's name, also if it is the one that was started: ``__main__`` is then what others would import it as."""
    if name != "__main__":
        return name
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else name


def place(path: str, line: int) -> str:
    """``mylib/clean.py:12``: a file as its project calls it."""
    short = _short(path)
    return f"{short}:{line}" if short else ""


@functools.lru_cache(maxsize=8192)
def _short(path: str) -> str:
    real = os.path.realpath(path)
    return os.path.relpath(real, roots.outermost(Path(real))) if os.path.isfile(real) else ""
