"""Spark's own classes, which projects like to give methods: ``DataFrame.tidy = tidy``."""

from __future__ import annotations

import sys

# Where each version has them; those of 4.0 and later inherit from the first.
_CLASSES = (
    ("pyspark.sql.dataframe", "DataFrame"),
    ("pyspark.sql.column", "Column"),
    ("pyspark.sql.session", "SparkSession"),
    ("pyspark.sql.group", "GroupedData"),
    ("pyspark.sql.readwriter", "DataFrameReader"),
    ("pyspark.sql.classic.dataframe", "DataFrame"),
    ("pyspark.sql.classic.column", "Column"),
    ("pyspark.core.rdd", "RDD"),
    ("pyspark.rdd", "RDD"),
)


def classes() -> list[type]:
    """Those that are loaded: nobody has given anything to the others."""
    found = [getattr(sys.modules.get(module), name, None) for module, name in _CLASSES]
    return [each for each in dict.fromkeys(found) if isinstance(each, type)]
