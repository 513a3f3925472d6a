"""``@module``: a function that makes a DataFrame, with a name, parents and all that it says it depends on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

from ...errors import UsageError
from . import origin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .step import Plan

Function = Callable[..., "DataFrame"]
SPARK = "spark"  # the parameter that gets the session
# The last of each name: what a notebook's cell or a reloaded file has defined anew takes the place of the old.
_BY_NAME: dict[str, Module] = {}


class Module:
    """A module. Calling it is calling its function, with whatever arguments: nothing is kept then."""

    def __init__(
        self,
        function: Function,
        *,
        inputs: Iterable[str] = (),
        parents: Mapping[str, Module] | None = None,
        conf: Iterable[str] = (),
        env: Iterable[str] | None = None,
        version: object = "",
        deterministic: bool | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = f"{origin.home(function.__module__)}.{function.__qualname__}"
        self.inputs, self.conf = _names("inputs", inputs), _names("conf", conf)
        self.env = None if env is None else _names("env", env)
        self.version, self.deterministic = str(version), deterministic
        self._parents = dict(parents or {})
        _BY_NAME[self.name] = self

    def __call__(self, *args: Any, **keywords: Any) -> DataFrame:  # noqa: ANN401
        return self.function(*args, **keywords)

    def __repr__(self) -> str:
        return f"<module {self.name}>"

    def newest(self) -> Module:
        """The last module of this name: this one, or what it has become since it was imported."""
        return _BY_NAME.get(self.name, self)

    @property
    def parents(self) -> dict[str, Module]:
        """Parameter → module: as declared, else what the function's module knows by that name.

        Raises:
            UsageError: a parameter is no module.
        """
        found = {}
        namespace = getattr(inspect.unwrap(self.function), "__globals__", {})
        for name in self.parameters:
            if name != SPARK:
                parent = self._parents.get(name, namespace.get(name))
                if not isinstance(parent, Module):
                    raise UsageError(
                        f"{self.name} has a parameter {name}, and there is no module of that name.",
                        f"Say which it is: @sparkspace.module(parents={{{name!r}: …}}).",
                    )
                found[name] = parent.newest()
        unknown = sorted(set(self._parents) - set(found))
        if unknown:
            raise UsageError(f"{self.name} has no parameter {', '.join(unknown)}.")
        return found

    @property
    def parameters(self) -> list[str]:
        """The names of the function's parameters."""
        return list(inspect.signature(self.function).parameters)

    def result(self) -> DataFrame:
        """The data, read from the store; what has to run for that runs first. Errors: see ``run``."""
        from .execution import run

        return run(self)

    def plan(self) -> Plan:
        """What ``result()`` would do."""
        from .decide import plan

        return plan(self)

    def why(self) -> str:
        """Why it would run, in a sentence or a few, or that it would not."""
        from .decide import plan

        return plan(self)[self].sentence()

    def pin(self, is_pinned: bool = True) -> None:
        """Never remove the result as it is now (or do again). What is not there is made first."""
        from .execution import pin

        pin(self, is_pinned)


@overload
def module(function: Function, /) -> Module: ...
@overload
def module(
    *,
    inputs: Iterable[str] = (),
    parents: Mapping[str, Module] | None = None,
    conf: Iterable[str] = (),
    env: Iterable[str] | None = None,
    version: object = "",
    deterministic: bool | None = None,
) -> Callable[[Function], Module]: ...
def module(function: Function | None = None, /, **options: Any) -> Module | Callable[[Function], Module]:
    """Make a function that returns a DataFrame a module: its result is kept, and made anew only when it has to be.

    A parameter ``spark`` gets the session; every other one gets the data of another module, its parent: the one that
    ``parents`` names for it, else the one that the function's own module knows by that name.

    Args:
        inputs: paths, patterns (anything Hadoop has a file system for) and tables that it reads.
        parents: parameter → module.
        conf: Spark properties that it asks for. Those of ``spark.sql`` that can matter count anyway.
        env: environment variables that it reads.
        version: anything; another one makes it run again.
        deterministic: True keeps the result of a function that asks for chance or the time; False never keeps it.
    """

    def make(function: Function) -> Module:
        return Module(function, **options)

    return make if function is None else make(function)


def ordered(modules: Iterable[Module]) -> list[Module]:
    """These modules and all they come from, parents first.

    Raises:
        UsageError: a module comes from itself.
    """
    done: dict[str, Module] = {}
    path: list[str] = []

    def visit(module: Module) -> None:
        if module.name in done:
            return
        if module.name in path:
            raise UsageError(f"A module comes from itself: {' → '.join([*path, module.name])}.")
        path.append(module.name)
        for parent in module.parents.values():
            visit(parent)
        path.pop()
        done[module.name] = module

    for each in modules:
        if not isinstance(each, Module):
            raise UsageError(f"{each!r} is no module.", "Put @sparkspace.module before its def.")
        visit(each.newest())
    return list(done.values())


def _names(what: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise UsageError(f"{what} is a list, and not one text.", f"Write: {what}=[{given!r}]")
    return tuple(given)
