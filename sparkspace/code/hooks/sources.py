"""What Spark unpickles in Python processes of the driver's machine, which are given no broadcast, and so no code.

Python data sources are pickled anew there, by name, for executors; ``transformWithState`` is asked for its state's
variables. So a project's own are refused.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from pyspark.sql import GroupedData

from ...errors import UsageError
from .active import Hooks
from .spark import IS_OLD


def install(hooks: Hooks) -> None:
    """Put the seams in. Spark 3.5 has neither."""
    if IS_OLD:
        return
    for name in ("transformWithState", "transformWithStateInPandas"):
        if hasattr(GroupedData, name):
            setattr(GroupedData, name, _refusing(hooks, getattr(GroupedData, name)))
    kind = importlib.import_module("pyspark.sql.datasource").DataSourceRegistration
    register = kind.register

    @functools.wraps(register)
    def registered(this: Any, source: Any) -> Any:  # noqa: ANN401  # pyspark's
        if hooks.deployer:
            hooks.deployer.refresh()
            _refuse(source, hooks.deployer.version.units)
        return register(this, source)

    kind.register = registered


def _refusing(hooks: Hooks, transform: Any) -> Any:  # noqa: ANN401  # pyspark's
    @functools.wraps(transform)
    def transformed(this: Any, processor: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if hooks.deployer and hooks.deployer.version.files:
            raise UsageError(
                f"{transform.__name__} can't be used together with shipped code: Spark runs its processor on the "
                "driver's machine, too, in a process that is given none.",
                "Use a plain session for it: SparkSession.builder.getOrCreate(), in a script of its own.",
            )
        return transform(this, processor, *args, **kwargs)

    return transformed


def _refuse(source: Any, units: frozenset[str]) -> None:  # noqa: ANN401
    if source.__module__.partition(".")[0] in units:
        raise UsageError(
            f"{source.__module__}.{source.__qualname__} is a Python data source of your project's, and those can't be "
            "shipped.",
            "Install its package on the cluster (requirements.txt), or define the class in the notebook.",
        )
