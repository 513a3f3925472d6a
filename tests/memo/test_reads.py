"""What a query says of itself: whether it would give other data each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkspace.code.memo import reads

pytestmark = pytest.mark.spark

FRESH = {
    "Rand": "select rand() as x",
    "Uuid": "select uuid() as x",
    "CurrentTimestamp": "select 1 as x where current_timestamp() > '2020-01-01'",
    "CurrentDate": "select (select current_date()) as x",
    "MonotonicallyIncreasingID": "select monotonically_increasing_id() as x",
    "InputFileName": "select input_file_name() as x",
    "CurrentUser": "select current_user() as x",
    "CallMethodViaReflection": "select reflect('java.util.UUID', 'randomUUID') as x",
    "a sample": "select * from (select 1 as x) tablesample (50 percent)",
    "AesEncrypt": "select base64(aes_encrypt('a', '0123456789abcdef')) as x",
}
STEADY = [
    "select 'rand()' as rand",
    "select max(x) as m from values (1) t(x)",
    "select first(x) as f from values (1) t(x)",
]


@pytest.mark.parametrize("reason", FRESH)
def test_chance_and_time_are_found_in_a_query(spark: SparkSession, reason: str) -> None:
    assert reads.fresh(spark.sql(FRESH[reason])) == [reason]


def test_a_udf_says_so_itself(spark: SparkSession) -> None:
    frame = spark.range(1)
    steady = F.udf(str, useArrow=False)
    assert reads.fresh(frame.select(steady("id"))) == []
    assert reads.fresh(frame.select(steady.asNondeterministic()("id"))) == ["a non-deterministic UDF"]


@pytest.mark.parametrize("query", STEADY)
def test_other_queries_are_kept(spark: SparkSession, query: str) -> None:
    assert reads.fresh(spark.sql(query)) == []


class Twice:
    def eval(self, n: int) -> Iterator[tuple[int]]:
        yield (n,)
        yield (n,)


def test_what_sql_knows_by_name_is_refused(spark: SparkSession) -> None:
    """A function that Python makes a table with, or (since Spark 4.0) that SQL defines."""
    spark.udtf.register("twice", F.udtf(Twice, returnType="n int"))
    queries = {"select * from twice(1)": "twice"}
    if not spark.version.startswith("3."):
        spark.sql("create or replace temporary function next(n int) returns int return n + 1")
        queries["select next(1) as n"] = "a function made by CREATE FUNCTION"
    for query, name in queries.items():
        assert reads.named_functions(spark.sql(query)) == [name]
