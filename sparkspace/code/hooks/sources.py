"""Python data sources: Spark unpickles them in processes on the driver's machine, and those pickle them anew, by name,
for executors. So a project's own are refused.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

from ...errors import UsageError
from .active import Hooks
from .spark import IS_OLD


def install(hooks: Hooks) -> None:
    """Put the seam in. Spark 3.5 has none."""
    if IS_OLD:
        return
    kind = importlib.import_module("pyspark.sql.datasource").DataSourceRegistration
    register = kind.register

    @functools.wraps(register)
    def registered(this: Any, source: Any) -> Any:  # noqa: ANN401  # pyspark's
        if hooks.deployer:
            hooks.deployer.refresh()
            _refuse(source, hooks.deployer.version.units)
        return register(this, source)

    kind.register = registered


def _refuse(source: Any, units: frozenset[str]) -> None:  # noqa: ANN401
    if source.__module__.partition(".")[0] in units:
        raise UsageError(
            f"{source.__module__}.{source.__qualname__} is a Python data source of your project's, and those can't be "
            "shipped.",
            "Install its package on the cluster (requirements.txt), or define the class in the notebook.",
        )
