"""Functions that were made inside other functions: pickled by value, so their code must be brought up to date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType

from .reload import EditFailed, Modules


class Closures:
    """Knows the code of all functions, however deep, of the modules that were imported anew."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._known: dict[str, tuple[CodeType, Mapping[str, list[CodeType]]]] = {}

    def renew(self, function: FunctionType) -> None:
        """Give a function the code that the file has for it now.

        Raises:
            EditFailed: the file has none, or several that it could be.
        """
        candidates = self._candidates(function)
        if candidates is None:
            return  # its module is as it was at the beginning
        code = function.__code__
        if any(same(code, each) for each in candidates):
            return
        if len(candidates) == 1 and candidates[0].co_freevars == code.co_freevars:
            function.__code__ = candidates[0]
            return
        raise EditFailed(
            f"{function.__module__}.{function.__qualname__} was made before an edit, and can't be brought up to date: "
            f"{function.__module__} now has {'no' if not candidates else 'another'} such function.",
            "Make it again: run the line that made it.",
        )

    def _candidates(self, function: FunctionType) -> list[CodeType] | None:
        module, name = origin(function)
        code = self._modules.codes.get(module)
        if code is None:
            return None
        known = self._known.get(module)
        if known is None or known[0] is not code:
            by_name = defaultdict(list)
            for path, each in nested(code, ""):
                by_name[path].append(each)
            known = self._known[module] = (code, by_name)
        if last(name) == function.__code__.co_name:
            return known[1].get(name, [])
        return [each for path, found in known[1].items() if last(path) == function.__code__.co_name for each in found]


def origin(function: FunctionType) -> tuple[str, str]:
    """The module and the qualified name that a function was made with: ``functools.wraps`` gives it others.

    On Python 3.10 the name is that of the function that is wrapped.
    """
    name = getattr(function.__code__, "co_qualname", None) or function.__qualname__
    return str(function.__globals__.get("__name__") or function.__module__), str(name)


def last(path: str) -> str:
    """``outer.<locals>.inner`` → ``inner``."""
    return path.rpartition(".")[2]


def nested(code: CodeType, prefix: str) -> Iterator[tuple[str, CodeType]]:
    """Every function and class in ``code``, with its qualified name."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            name = prefix + constant.co_name
            yield name, constant
            is_function = constant.co_flags & 0x2  # CO_NEWLOCALS: a class's body has it not
            yield from nested(constant, f"{name}.<locals>." if is_function else f"{name}.")


def same(one: CodeType, other: CodeType) -> bool:
    """Whether two do the same, wherever they stand in their files."""
    return (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and one.co_freevars == other.co_freevars
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_same_constant, one.co_consts, other.co_consts))
    )


def _same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return same(one, other)
    return type(one) is type(other) and one == other
