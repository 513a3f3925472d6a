"""Functions that were made inside others, after an edit (``sparkspace/code/closures.py``), without Spark."""

from __future__ import annotations

import types
from typing import Any

import pytest

from sparkspace.code.closures import Closures
from sparkspace.code.reload import EditFailed

SOURCE = """
import functools

def adding(n):
    return lambda x: x + n + {0}

def wrapped(f):
    @functools.wraps(f)
    def inner(x):
        return f(x) + {0}
    return inner

def f(x):
    return x

made, renamed = adding(1), wrapped(f)
"""
ANOTHER = """
def other(f):
    def inner(x):
        return f(x) - 1
    return inner
"""


def edited(before: str, after: str) -> tuple[dict[str, Any], Closures]:
    """What a module had, and what knows the code that it has now."""
    names: dict[str, Any] = {"__name__": "fares"}
    exec(compile(before, "fares.py", "exec"), names)
    modules: Any = types.SimpleNamespace(codes={"fares": compile(after, "fares.py", "exec")})
    return names, Closures(modules)


@pytest.mark.parametrize(("name", "gives"), [("made", 22), ("renamed", 21)])
def test_it_takes_the_code_of_now(name: str, gives: int) -> None:
    names, closures = edited(SOURCE.format(1), SOURCE.format(20))
    closures.renew(names[name])
    assert names[name](1) == gives


def test_which_of_two_it_was() -> None:
    names, closures = edited(SOURCE.format(1), SOURCE.format(20) + ANOTHER)
    if not hasattr(edited.__code__, "co_qualname"):  # Python 3.10 can't know
        with pytest.raises(EditFailed, match="fares now has another such function"):
            closures.renew(names["renamed"])
        return
    closures.renew(names["renamed"])
    assert names["renamed"](1) == 21


def test_one_that_is_gone_is_refused() -> None:
    names, closures = edited(SOURCE.format(1), ANOTHER)
    with pytest.raises(EditFailed, match="fares now has no such function"):
        closures.renew(names["made"])
