"""The job of ``doctor``: adds up numbers on every executor, and reports who did it. Run by ``bin/spark-submit``.

Prints one JSON line: ``{"sum": …, "spark": …, "python": …, "executors": [{"host": …, "python": …, "tasks": …}, …]}``.
"""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator

from pyspark.sql import SparkSession

UPPER = 100_000
MARK = "sparkspace-probe "


def part(numbers: Iterable[int]) -> Iterator[tuple[str, str, int]]:
    """One task: its host, its Python, and its part of the sum."""
    yield os.environ.get("SPARK_LOCAL_IP", platform.node()), platform.python_version(), sum(numbers)


def main() -> None:
    """Run the job, and print what it found."""
    spark = SparkSession.builder.appName("sparkspace doctor").getOrCreate()
    context = spark.sparkContext
    slices = max(context.defaultParallelism, 2) * 2
    parts = context.parallelize(range(1, UPPER + 1), slices).mapPartitions(part).collect()
    tasks = Counter((host, python) for host, python, _ in parts)
    found = {
        "sum": sum(total for _, _, total in parts),
        "spark": spark.version,
        "python": platform.python_version(),
        "executors": [
            {"host": host, "python": python, "tasks": count} for (host, python), count in sorted(tasks.items())
        ],
    }
    print(MARK + json.dumps(found), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
