"""``bin/spark-shell``, ``bin/pyspark``, ``bin/spark-sql``, ``bin/spark-submit``: Spark's own, on this cluster."""

from __future__ import annotations

from collections.abc import Mapping

from .. import conf, launch
from ..cluster import drivers, roles
from ..cycling import launching


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Become Spark's script of the same name. Does not return.

    Raises:
        SparkspaceError: anything is missing or wrong; nothing was started.
    """
    place = roles.Place.from_env(env)
    driver = drivers.prepare(place, name, args)
    launch.become(launching.kept("driver", driver.command(conf.write(driver.files))))
