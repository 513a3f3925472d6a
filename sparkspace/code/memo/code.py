"""The leaves of a module's code, and what makes them unsure."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType

from ...errors import SparkspaceError
from . import project
from .leaf import Leaf
from .look import Shared
from .modules import Module
from .walk import Walk


@dataclass(frozen=True)
class Code:
    """What a module's function reaches. ``fresh``: where it asks for the time or for chance."""

    leaves: list[Leaf]
    fresh: list[str]


def look(module: Module, shared: Shared) -> Code:
    """Follow a module's function.

    Raises:
        SparkspaceError: it is no function of the project's; it reads environment variables that nobody named.
        Unclear: it uses an object whose state can't be told.
    """
    function = module.function
    if not isinstance(function, FunctionType):
        raise SparkspaceError(f"{module.name} is a {type(function).__name__}, and has to be a function.")
    walk = Walk(shared)
    try:
        walk.start(function)
    except SparkspaceError as error:
        raise type(error)(f"{module.name}: {error.message}", error.cure) from error
    environment, whole = walk.doubts("environment"), walk.doubts("whole")
    if environment and module.env is None:
        raise SparkspaceError(
            f"{module.name} reads environment variables, in {environment[0]}.",
            "Name those that its data depend on: @sparkspace.module(env=[…]); [] if none.",
        )
    found = walk.leaves
    if whole:
        found += project.leaves(whole)
    if module.version:
        found.append(Leaf("version", "", module.version, module.version))
    return Code(found, walk.doubts("fresh"))
