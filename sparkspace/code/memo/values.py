"""Values in words: what a constant, a container or an object is, the same in every process, or an error that says why
it can't be told."""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import logging
import pathlib
import re
import threading
import types
import typing
import uuid
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ...errors import SparkspaceError
from . import origin
from .leaf import digest

if TYPE_CHECKING:
    from .walk import Walk

_ATOMS = (int, float, complex, str, bytes, bool, type(None), type(...), type(NotImplemented), range)
_BY_REPR = (
    decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, uuid.UUID,
    pathlib.PurePath, types.GenericAlias, types.UnionType, typing.TypeVar, type(list[int]), type(typing.List[int]),  # noqa: UP006
)  # fmt: skip
_INERT = (logging.Logger, logging.LoggerAdapter, type(threading.Lock()), type(threading.RLock()), threading.local)
_DEEPEST = 200


class Unclear(SparkspaceError):
    """Code uses an object whose state can't be compared."""


def is_code(value: object) -> bool:
    """Whether it is code, and not data."""
    return isinstance(value, FunctionType | types.MethodType | type | functools.partial)


def word(walk: Walk, value: Any, name: str = "a value", depth: int = 0) -> str:  # noqa: ANN401
    """``value`` in a word; functions and classes by the names of their leaves.

    Raises:
        Unclear: it is, or has, something whose state can't be told; the message begins with ``name``.
    """
    if isinstance(value, str | pathlib.PurePath) and origin.is_beside_code(str(value)):
        walk.doubt("whole", name)  # ``HERE / "words.txt"``: a file that the code may open
    if type(value) in _ATOMS:
        return f"{type(value).__name__} {value!r}" if not isinstance(value, str) else f"str {digest(value)}"
    if depth > _DEEPEST:
        raise Unclear(f"{name} is nested deeper than {_DEEPEST} levels, or holds itself.")

    def inner(each: Any) -> str:  # noqa: ANN401
        return word(walk, each, name, depth + 1)

    for kinds, tell in _KINDS:
        if isinstance(value, kinds):
            return str(tell(walk, value, inner, name))
    special = _spark(walk, value, inner, name)
    return special if special is not None else _object(walk, value, inner, name)


def member(walk: Walk, cls: type, value: Any, name: str) -> str:  # noqa: ANN401
    """An entry of a class's namespace in a word."""
    if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
        return "slot"
    if issubclass(cls, enum.Enum) and isinstance(value, (cls, types.DynamicClassAttribute)):  # noqa: UP038
        return "member"
    return word(walk, value, name)


def _wrapped(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    parts = [getattr(value, each, None) for each in ("fget", "fset", "fdel", "func", "__func__", "__wrapped__")]
    return f"{type(value).__qualname__}({','.join(inner(part) for part in parts if part is not None)})"


def _function(walk: Walk, value: FunctionType, inner: Any, name: str) -> str:  # noqa: ANN401
    if hasattr(value, "evalType") and hasattr(value, "func"):  # what pyspark's udf() returns
        return _udf(value, inner)
    registry = getattr(value, "registry", None)
    if isinstance(registry, Mapping) and hasattr(value, "dispatch"):  # functools.singledispatch
        pairs = sorted(f"{inner(cls)}:{inner(function)}" for cls, function in registry.items())
        return f"singledispatch({','.join(pairs)})"
    return walk.code(value)


def _udf(value: Any, inner: Any) -> str:  # noqa: ANN401
    given = getattr(value, "returnType", None)
    shown = given if isinstance(given, str) or given is None else given.json()
    return f"udf({inner(value.func)},{shown},{value.evalType},{getattr(value, 'deterministic', True)})"


def _builtin(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    owner = getattr(value, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        module = str(getattr(value, "__module__", None) or getattr(owner, "__name__", ""))
        return walk.installed(module, f"{module}.{value.__qualname__}")
    return f"{inner(owner)}.{value.__name__}"


def _module(walk: Walk, value: ModuleType, inner: Any, name: str) -> str:  # noqa: ANN401
    if origin.of_module(value.__name__, vars(value)) == origin.PROJECT:
        walk.doubt("whole", name)
    return walk.installed(value.__name__, f"module {value.__name__}")


def _dict(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    own = f"{inner(value.default_factory)}" if hasattr(value, "default_factory") else ""
    pairs = (f"{inner(key)}:{inner(each)}" for key, each in value.items())
    return f"{_kind(walk, value)} {own}{{{','.join(pairs)}}}"


def _sequence(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    return f"{_kind(walk, value)}[{','.join(map(inner, value))}]"


def _set(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    return f"{_kind(walk, value)}{{{','.join(sorted(map(inner, value)))}}}"


def _kind(walk: Walk, value: Any) -> str:  # noqa: ANN401
    return type(value).__name__ if type(value).__module__ == "builtins" else walk.code(type(value))


def _enum(walk: Walk, value: enum.Enum, inner: Any, name: str) -> str:  # noqa: ANN401
    return f"{inner(type(value))}.{value.name}={inner(value.value)}"


_WRAPPERS = (property, staticmethod, classmethod, functools.cached_property, functools.singledispatchmethod)
_BUILTINS = (
    types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
    types.ClassMethodDescriptorType,
)  # fmt: skip
_KINDS: tuple[tuple[Any, Any], ...] = (
    (enum.Enum, _enum),
    (FunctionType, _function),
    (_BY_REPR, lambda walk, value, inner, name: f"{type(value).__qualname__} {value!r}"),
    (type, lambda walk, value, inner, name: walk.code(value)),
    (ModuleType, _module),
    (types.MethodType, lambda walk, value, inner, name: f"{inner(value.__self__)}.{inner(value.__func__)}"),
    (_BUILTINS, _builtin),
    (type(functools.lru_cache(len)), lambda walk, value, inner, name: f"cached({inner(value.__wrapped__)})"),
    (_WRAPPERS, _wrapped),
    (_INERT, lambda walk, value, inner, name: type(value).__qualname__),
    (re.Pattern, lambda walk, value, inner, name: f"pattern {value.pattern!r} {value.flags}"),
    (Mapping, _dict),
    ((list, tuple), _sequence),
    ((set, frozenset), _set),
)


def _spark(walk: Walk, value: Any, inner: Any, name: str) -> str | None:  # noqa: ANN401
    """Spark's own objects. A session is everybody's, and its settings have leaves of their own."""
    kinds = {f"{each.__module__.partition('.')[0]}.{each.__name__}" for each in type(value).__mro__}
    if kinds & {"pyspark.SparkSession", "pyspark.SparkContext"}:
        return "session"
    if "pyspark.UserDefinedFunction" in kinds or "pyspark.UserDefinedTableFunction" in kinds:
        return _udf(value, inner)
    if "sparkspace.Module" in kinds:
        raise Unclear(f"{name} is a module: its data can't be seen there.", "Make it a parameter.")
    of_a_session = {"pyspark.Column", "pyspark.DataFrame", "pyspark.RDD", "pyspark.Broadcast", "pyspark.Accumulator"}
    if any(kind.startswith("py4j.") for kind in kinds) or kinds & of_a_session:
        raise Unclear(
            f"{name} is a {type(value).__name__} made outside of the module: whether it changes can't be told.",
            "Make it in the function, or make it a module of its own and a parameter.",
        )
    return None


def _object(walk: Walk, value: Any, inner: Any, name: str) -> str:  # noqa: ANN401
    """Any other object, as ``pickle`` takes it apart."""
    try:
        parts = value.__reduce_ex__(4)
    except Exception as error:  # whatever its class raises
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise Unclear(
            f"{name} is a {kind}, and whether it changes can't be told: {error}.",
            "Make it in the function that uses it, or give its class a __reduce__.",
        ) from error
    if isinstance(parts, str):
        module = str(getattr(value, "__module__", ""))
        return walk.installed(module, f"global {module}.{parts}")
    make, arguments, *rest = parts
    state, items, pairs = [*rest, None, None, None][:3]
    words = [inner(make), inner(arguments), inner(state)]
    words += [inner(list(items)) if items is not None else "", inner(list(pairs)) if pairs is not None else ""]
    return f"object({','.join(words)})"
