"""What is cached: executors may have to make lost parts of it again, as they were."""

from __future__ import annotations

import functools
from typing import Any

from .active import Hooks
from .spark import DataFrame, rdds


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    for kind, name in ((rdds.RDD, "persist"), (DataFrame, "persist"), (DataFrame, "cache")):
        setattr(kind, name, _noticed(hooks, getattr(kind, name)))


def _noticed(hooks: Hooks, cache: Any) -> Any:  # noqa: ANN401  # pyspark's
    @functools.wraps(cache)
    def cached(this: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        result = cache(this, *args, **kwargs)
        if hooks.deployer:
            hooks.deployer.current.keep()
        return result

    return cached
