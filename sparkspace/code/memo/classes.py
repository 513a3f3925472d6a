"""A class as it is: bases, metaclass, fields with their types, methods, values."""

from __future__ import annotations

import enum
import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from . import origin, values
from .leaf import digest

if TYPE_CHECKING:
    from .walk import Walk

# Of a class: where it stands, its text, and what Python derives from the rest or fills in as it goes.
_DERIVED = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __qualname__ __firstlineno__ __static_attributes__ __annotate__"
    " __annotate_func__ __annotations_cache__ __annotations__ __abstractmethods__ _abc_impl __orig_bases__"
    " __parameters__ __match_args__ __slotnames__ _member_map_ _member_names_ _value2member_map_ _hashable_values_"
    " _unhashable_values_ _unhashable_values_map_ __subclasshook__".split()
)


def look(walk: Walk, cls: type, name: str) -> None:
    """Add the leaf of a class called ``name``."""
    code = next((each.__code__ for each in vars(cls).values() if isinstance(each, FunctionType)), None)
    walk.add("code", name, digest(*_parts(walk, cls, name)), _place(cls, code))


def _parts(walk: Walk, cls: type, name: str) -> Iterator[str]:
    yield from (f"base {walk.code(base)}" for base in cls.__bases__ if base is not object)
    if type(cls) is not type:
        yield f"metaclass {walk.code(type(cls))}"
    yield f"hints {hints(walk, cls)}"
    if issubclass(cls, enum.Enum):
        yield from (f"{key} is {values.word(walk, each.value, name)}" for key, each in cls.__members__.items())
    for key, value in sorted(vars(cls).items()):
        if key not in _DERIVED:
            yield f"{key}={values.member(walk, cls, value, f'{name}.{key}')}"


def hints(walk: Walk, thing: FunctionType | type) -> str:
    """The type hints of a function or class."""
    try:
        found = inspect.get_annotations(thing)
    except Exception:  # Python 3.14 evaluates them now, and they may name what is only there for the type checker
        import annotationlib  # type: ignore[import-not-found,unused-ignore]

        found = annotationlib.get_annotations(thing, format=annotationlib.Format.STRING)
    return ",".join(f"{name}:{_hint(walk, value)}" for name, value in found.items())


def _hint(walk: Walk, value: Any) -> str:  # noqa: ANN401
    return walk.code(value) if isinstance(value, type) and not hasattr(value, "__args__") else repr(value)


def _place(cls: type, code: CodeType | None) -> str:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or (code.co_filename if code else "")
    line = vars(cls).get("__firstlineno__") or (code.co_firstlineno if code and code.co_filename == file else 1)
    return origin.place(file, line)
