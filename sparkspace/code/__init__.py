"""Code that runs in a Spark driver, and what serves it its code. The only room that imports pyspark."""

from __future__ import annotations

import importlib

_PLACES = {"url_of": "urls"}

__all__ = ["url_of"]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
