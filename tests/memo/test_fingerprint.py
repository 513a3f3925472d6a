"""The version of data: equal for equal rows, and for no others."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from sparkspace.code.memo import fingerprint

pytestmark = pytest.mark.spark

SAME, OTHER = True, False
DATA = [
    ("order", "select * from values (1, 'a'), (2, 'b') t(x, y)",
     "select * from values (2, 'b'), (1, 'a') t(x, y)", SAME),
    ("a row twice", "select * from values (1), (1), (2) t(x)", "select * from values (1), (2), (2) t(x)", OTHER),
    ("one row more", "select * from values (1) t(x)", "select * from values (1), (null) t(x)", OTHER),
    ("null here or there", "select 1 as x, cast(null as int) as y", "select cast(null as int) as x, 1 as y", OTHER),
    ("empty or null", "select '' as x", "select cast(null as string) as x", OTHER),
    ("minus zero", "select 0.0D as x", "select -0.0D as x", OTHER),
    ("a type", "select 1 as x", "select 1L as x", OTHER),
    ("a name", "select 1 as x", "select 1 as y", OTHER),
    ("null in a list", "select array(null, 1) as x", "select array(1, null) as x", OTHER),
    ("a list in lists", "select array(array(1), array()) as x", "select array(array(), array(1)) as x", OTHER),
    ("microseconds", "select array(timestamp'2020-01-01 00:00:00.000001') as x",
     "select array(timestamp'2020-01-01 00:00:00.000002') as x", OTHER),
    ("a map", "select map('a', 1) as x", "select map('a', 2) as x", OTHER),
    ("equal maps", "select map('a', 1) as x", "select map('a', 1) as x", SAME),
    ("nothing", "select 1 as x where false", "select 2 as x where false", SAME),
    ("values across columns", "select 1 as `a.b`, 2 as y", "select 2 as `a.b`, 1 as y", OTHER),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two", "same"), [row[1:] for row in DATA], ids=[row[0] for row in DATA])
def test_versions_of_data(spark: SparkSession, one: str, two: str, same: bool) -> None:
    found = []
    for query in (one, two):
        frame = spark.sql(query)
        row = frame.agg(*(fingerprint.total(frame) or [])).collect()[0]
        found.append(fingerprint.version(frame.schema, row["rows"], row["total"]))
    assert (found[0] == found[1]) is same
