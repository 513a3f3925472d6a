"""The job of bench/throughput.py: tables like TPC-H's, made by arithmetic, and questions like its.

``queries.py ROWS EXECUTORS`` prints a line of JSON: seconds and answers by question, and what it ran on. Everything is
whole numbers (money is in cents), so the answers are the same in whatever order rows come.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from operator import add

from pyspark import StorageLevel
from pyspark.sql import SparkSession

MARK = "sparkspace-queries "
PATIENCE_S = 120
DAYS = 2556  # of seven years
PAID = "sum(l_price * (100 - l_discount))"
QUESTIONS = {
    "Q1": f"""SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_price), {PAID},
        sum(l_price * (100 - l_discount) * (100 + l_tax)), sum(l_discount), count(*)
        FROM lineitem WHERE l_shipdate <= {DAYS - 90} GROUP BY 1, 2 ORDER BY 1, 2""",
    "Q3": f"""SELECT l_orderkey, o_orderdate, {PAID} paid
        FROM customer JOIN orders ON c_custkey = o_custkey JOIN lineitem ON l_orderkey = o_orderkey
        WHERE c_mktsegment = 1 AND o_orderdate < 1200 AND l_shipdate > 1200
        GROUP BY 1, 2 ORDER BY paid DESC, l_orderkey LIMIT 10""",
    "Q5": f"""SELECT c_nationkey, {PAID}
        FROM customer JOIN orders ON c_custkey = o_custkey JOIN lineitem ON l_orderkey = o_orderkey
        JOIN supplier ON l_suppkey = s_suppkey AND c_nationkey = s_nationkey
        WHERE o_orderdate < 1800 GROUP BY 1 ORDER BY 1""",
    "Q9": f"""SELECT s_nationkey, o_orderdate div 365 year, {PAID}
        FROM part JOIN lineitem ON p_partkey = l_partkey JOIN supplier ON l_suppkey = s_suppkey
        JOIN orders ON l_orderkey = o_orderkey WHERE p_type < 75 GROUP BY 1, 2 ORDER BY 1, 2""",
    "Q18": """SELECT count(*), sum(quantity), max(o_custkey)
        FROM (SELECT l_orderkey, sum(l_quantity) quantity FROM lineitem GROUP BY 1 HAVING sum(l_quantity) > 120)
        JOIN orders ON l_orderkey = o_orderkey""",
    "distinct": "SELECT count(DISTINCT l_partkey, l_suppkey) FROM lineitem",
}
KEYS = 100_003


def main() -> None:
    """Make the tables, and answer."""
    rows, executors = map(int, sys.argv[1:])
    spark = SparkSession.builder.appName("queries").getOrCreate()
    wait(spark, executors)
    cores = spark.sparkContext.defaultParallelism
    spark.conf.set("spark.sql.shuffle.partitions", 4 * cores)
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", -1)  # or small tables would not be shuffled
    work: dict[str, Callable[[], object]] = {
        "tables": partial(make, spark, rows),
        **{name: partial(answered, spark, question) for name, question in QUESTIONS.items()},
        "Python": partial(in_python, spark, rows // 2, 4 * cores),
    }
    seconds, answers = {}, {}
    for name, answer in work.items():
        since = time.monotonic()
        answers[name] = answer()
        seconds[name] = time.monotonic() - since
    place = {"cores": cores, "executors": executors, "memory": spark.conf.get("spark.executor.memory", "")}
    spark.stop()
    print(MARK + json.dumps({"seconds": seconds, "answers": answers, "place": place}), flush=True)


def wait(spark: SparkSession, executors: int) -> None:
    """Until so many have come; Spark counts the driver with them.

    Raises:
        TimeoutError: they have not.
    """
    end = time.monotonic() + PATIENCE_S
    while spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() <= executors:
        if time.monotonic() > end:
            raise TimeoutError(f"fewer than {executors} executors after {PATIENCE_S} s")
        time.sleep(0.1)


def tables(rows: int) -> dict[str, tuple[int, dict[str, str | int]]]:
    """Table → its rows, and its columns: an expression, or how many values it has by chance."""
    parts, suppliers, customers = rows // 30, rows // 600, rows // 40
    return {
        "lineitem": (rows, {
            "l_orderkey": "id div 4", "l_partkey": parts, "l_suppkey": suppliers, "l_quantity": 50,
            "l_price": 10_000_000, "l_discount": 11, "l_tax": 9, "l_returnflag": 3, "l_linestatus": 2,
            "l_shipdate": DAYS,
        }),
        "orders": (rows // 4, {"o_orderkey": "id", "o_custkey": customers, "o_orderdate": DAYS}),
        "customer": (customers, {"c_custkey": "id", "c_nationkey": 25, "c_mktsegment": 5}),
        "part": (parts, {"p_partkey": "id", "p_type": 150}),
        "supplier": (suppliers, {"s_suppkey": "id", "s_nationkey": 25}),
    }  # fmt: skip


def make(spark: SparkSession, rows: int) -> list[int]:
    """Make all, and keep them on the executors. How many rows each has."""
    counts = []
    for name, (count, columns) in tables(rows).items():
        chance = {column: f"pmod(xxhash64(id, '{column}'), {each})" for column, each in columns.items()}
        wanted = [f"{each if isinstance(each, str) else chance[column]} {column}" for column, each in columns.items()]
        table = spark.range(count).selectExpr(*wanted).persist(StorageLevel.MEMORY_AND_DISK)
        table.createOrReplaceTempView(name)
        counts.append(table.count())
    return counts


def answered(spark: SparkSession, question: str) -> list[list[object]]:
    """The rows of an answer."""
    return [list(row) for row in spark.sql(question).collect()]


def in_python(spark: SparkSession, rows: int, slices: int) -> list[int]:
    """As in a first tutorial: pairs, summed by key."""
    pairs = spark.sparkContext.range(rows, numSlices=slices).map(lambda n: (n * 7919 % KEYS, n % 1000))
    sums = pairs.reduceByKey(add, slices)
    return [sums.count(), sums.map(lambda pair: pair[0] * pair[1]).sum()]


if __name__ == "__main__":
    main()
