"""Where results are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...config import modules_dir
from ...errors import ConfigError
from . import folder
from .store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VAR = "SPARKSPACE_MODULES_DIR"


def find(spark: SparkSession) -> Store:
    """The store of this session: as ``SPARKSPACE_MODULES_DIR`` says, else in the bucket, else of this user's.

    Raises:
        ConfigError: executors are elsewhere, and nothing says what they and the driver share.
    """
    env = environment()
    url = modules_dir(env)
    if url:
        return Store(folder.at(spark, url))
    master = str(spark.sparkContext.master)
    if not master.startswith("local"):
        must = f"must be set: the executors of {master} and this driver share no disk that we know of"
        raise ConfigError(VAR, must, example="s3a://my-bucket/modules")
    home = env.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Store(folder.Local(os.path.join(home, "sparkspace", "modules")))


def environment() -> Mapping[str, str]:
    """The driver's, which is the user's own program."""
    return os.environ
