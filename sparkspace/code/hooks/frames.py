"""DataFrames from before an edit: their plans have functions as bytes, and their shuffles keep results."""

from __future__ import annotations

import functools
from typing import Any

from pyspark.sql import SparkSession

from .active import Hooks
from .spark import DataFrame


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    DataFrame._jdf = _plan(hooks)
    DataFrame.rdd = _rdd()
    for name in ("sql", "table"):
        _renew_views(hooks, name)


def _plan(hooks: Hooks) -> property:
    """The DataFrame of the JVM, with the functions of now. What is cached stays."""

    def current(this: Any) -> Any:  # noqa: ANN401  # pyspark's
        known = vars(this)
        frame = known.get("_sparkspace_jdf") or known.get("_jdf")
        deployer = hooks.of(this.sparkSession.sparkContext)
        if deployer is None:
            return frame
        deployer.refresh()
        if known.get("_sparkspace") != deployer.version.digest:
            known["_sparkspace_jdf"] = frame = hooks.plans.renewed(deployer, frame)
            known["_sparkspace"] = deployer.version.digest
        return frame

    def made(this: Any, frame: Any) -> None:  # noqa: ANN401
        vars(this)["_sparkspace_jdf"] = frame
        vars(this)["_sparkspace"] = hooks.deployer.version.digest if hooks.deployer else ""

    return property(current, made)


def _rdd() -> property:
    """The RDD of the plan of now."""
    kept = vars(DataFrame)["rdd"]
    rdd = getattr(kept, "fget", None) or kept.func  # another sort of property in each line of Spark

    def of_current(this: Any) -> Any:  # noqa: ANN401
        known, frame = vars(this), this._jdf
        if known.get("_sparkspace_rdd", (None,))[0] is not frame:
            known["_lazy_rdd"] = None
            known["_sparkspace_rdd"] = (frame, rdd(this))
        return known["_sparkspace_rdd"][1]

    return property(of_current)


def _renew_views(hooks: Hooks, name: str) -> None:
    """A view that was made before an edit comes with functions from before."""
    asked = getattr(SparkSession, name)

    @functools.wraps(asked)
    def renewed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if hooks.deployer:
            hooks.deployer.refresh()  # SQL names functions that an edit may have changed
        frame = asked(*args, **kwargs)
        if hooks.deployer and hooks.deployer.edits:
            frame._sparkspace = ""
        return frame

    setattr(SparkSession, name, renewed)
