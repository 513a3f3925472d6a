"""What makes code hard to follow, or gives other data each time: names made of data, clocks, chance, variables."""

from __future__ import annotations

import builtins
import random
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .references import References
from .source import Text

if TYPE_CHECKING:
    from .walk import Walk

_DYNAMIC_BUILTINS = frozenset({"eval", "exec", "compile", "globals", "vars", "__import__"})
_LOOKED_UP_BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr"})
_DYNAMIC_NAMES = frozenset({"__globals__", "__subclasses__", "__builtins__", "__code__", "__closure__", "__doc__"})
# How a module finds the files that lie beside it.
_SELF = frozenset({"__file__", "__path__", "__spec__", "__loader__", "__doc__", "__builtins__"})
# They import, or find code or files of the project, by a name that is only known when they run.
_DYNAMIC_MODULES = frozenset({"importlib", "pkgutil", "runpy", "zipimport", "inspect", "pickle", "marshal", "shelve"})
OF_A_MODULE = frozenset({"__name__", "__package__", "__cached__", "__annotations__", "__dict__", *_SELF})

_ALL = frozenset({"*"})
_FRESH = {
    "random": _ALL,
    "secrets": _ALL,
    "uuid": frozenset({"uuid1", "uuid4", "uuid6", "uuid7"}),
    "time": frozenset({"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "monotonic", "perf_counter"}),
    "datetime": frozenset({"now", "utcnow", "today"}),
    "os": frozenset({"urandom", "getpid"}),
}
_BY_NAME = frozenset({"attrgetter", "methodcaller"})
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars", "expanduser"})


def are_dynamic(uses: References, text: Text | None, namespace: Mapping[str, Any]) -> bool:
    """Whether a function may reach what its names don't say."""
    free = {name for name in uses.globals if name not in namespace and hasattr(builtins, name)}
    if free & _DYNAMIC_BUILTINS or uses.names & _DYNAMIC_NAMES or uses.globals & _SELF:
        return True
    return text.is_dynamic if text else bool(free & _LOOKED_UP_BY_NAME)


def note(walk: Walk, found: Any, names: frozenset[str], where: str) -> None:  # noqa: ANN401
    """Note in ``walk`` what using ``found`` (with these names about) may mean; ``where`` it is used."""
    module, own = _home(found)
    used = names | {own} if isinstance(found, ModuleType | type) else frozenset({own})
    if isinstance(found, random.Random):
        walk.doubt("fresh", f"{own} in {where}")
    if own == "_Environ":
        walk.doubt("environment", where)
    note_module(walk, module, used, where)


def note_module(walk: Walk, module: str, used: frozenset[str], where: str) -> None:
    """Note what using these names of a module may mean."""
    top = module.partition(".")[0]
    asks_by_name = top == "sys" and not used.isdisjoint(("modules", "_getframe"))
    if top in _DYNAMIC_MODULES or asks_by_name or (top in ("operator", "_operator") and _BY_NAME & used):
        walk.doubt("whole", where)
    fresh = _FRESH.get(top, frozenset())
    if fresh == _ALL or fresh & used:
        walk.doubt("fresh", f"{module} in {where}")
    if top in ("os", "posixpath") and _ENVIRONMENT & used:
        walk.doubt("environment", where)


def _home(found: Any) -> tuple[str, str]:  # noqa: ANN401
    """The module and the name of what a name stands for."""
    if isinstance(found, ModuleType):
        return found.__name__, found.__name__
    if isinstance(found, FunctionType | type) or hasattr(found, "__name__"):
        return str(getattr(found, "__module__", "") or ""), str(getattr(found, "__name__", ""))
    return "", type(found).__name__
