"""Where each line of Spark has what the seams are put in."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pyspark
from pyspark.sql import SparkSession  # noqa: F401  # it loads the others

IS_OLD = pyspark.__version__.startswith("3.")
rdds: Any = sys.modules.get("pyspark.core.rdd") or sys.modules["pyspark.rdd"]
broadcasts: Any = sys.modules.get("pyspark.core.broadcast") or sys.modules["pyspark.broadcast"]
DataFrame: Any = importlib.import_module(f"pyspark.sql.{'' if IS_OLD else 'classic.'}dataframe").DataFrame
