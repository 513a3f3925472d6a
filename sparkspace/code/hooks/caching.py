"""What is cached: executors may have to make lost parts of it again, as they were."""

from __future__ import annotations

import functools
from typing import Any

from ..deploy import Deployer
from .active import Hooks
from .spark import DataFrame, rdds


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    for kind, name in ((rdds.RDD, "persist"), (DataFrame, "persist"), (DataFrame, "cache")):
        setattr(kind, name, _kept(hooks, getattr(kind, name)))
    for kind in (rdds.RDD, DataFrame):
        kind.unpersist = _dropped(hooks, kind.unpersist)


def _kept(hooks: Hooks, cache: Any) -> Any:  # noqa: ANN401  # pyspark's
    @functools.wraps(cache)
    def cached(this: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        deployer = hooks.deployer
        if deployer and _has_functions(hooks, deployer, this):  # while its plan still has them
            deployer.current.keep(this)
        return cache(this, *args, **kwargs)

    return cached


def _dropped(hooks: Hooks, drop: Any) -> Any:  # noqa: ANN401
    @functools.wraps(drop)
    def dropped(this: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if hooks.deployer:
            hooks.deployer.current.drop(this)
        return drop(this, *args, **kwargs)

    return dropped


def _has_functions(hooks: Hooks, deployer: Deployer, this: Any) -> bool:  # noqa: ANN401
    """Whether there is Python code in it that has to be of one version. All else may be made again at any time."""
    if isinstance(this, DataFrame):
        return hooks.plans.has_functions(deployer, this._jdf)
    return "PythonRDD[" in this._jrdd.rdd().toDebugString()
