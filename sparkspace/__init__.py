"""An Apache Spark cluster in a Heroku Private Space, and the same space in a box on one Linux machine.

What a job or a notebook uses is loaded when it is asked for: launchers must not wait for pyspark.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .code.memo import clean, graph, module, plan, run, why
    from .code.session import SessionFactory, session
    from .code.shipped import hotdeploy, shipped

_PLACES = {
    "SessionFactory": "session",
    "clean": "memo",
    "graph": "memo",
    "hotdeploy": "shipped",
    "module": "memo",
    "plan": "memo",
    "run": "memo",
    "session": "session",
    "shipped": "shipped",
    "why": "memo",
}

__all__ = [
    "SessionFactory",
    "clean",
    "graph",
    "hotdeploy",
    "module",
    "plan",
    "run",
    "session",
    "shipped",
    "why",
]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.code.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
