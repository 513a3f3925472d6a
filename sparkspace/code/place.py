"""Where a session runs: in a dyno, it gets what ``bin/pyspark`` would have had, also when it was started by hand."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

from .. import conf
from ..cluster import drivers, roles


def prepare(env: MutableMapping[str, str], master: str | None = None) -> None:
    """In a dyno whose process was not started by one of our launchers, set what Spark's JVM will read.

    Args:
        env: of this process.
        master: another than the cluster's, which is not waited for then.

    Raises:
        ConfigError, PlatformError, LaunchError: see ``drivers.prepare``.
    """
    env.setdefault("PYSPARK_PYTHON", sys.executable)  # else executors take whatever python3 they find
    if "DYNO" not in env or "SPARK_CONF_DIR" in env:
        return
    place = roles.Place.from_env(env)
    driver = drivers.prepare(place, "pyspark", ["--master", master] if master else [])
    env.update(driver.command(conf.write(driver.files)).env)
