"""A version of data: equal for equal rows, in whatever order and in however many files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .leaf import digest

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructType

_BY_TEXT = frozenset({"float", "double"})  # the hash takes -0.0 for 0.0
_NESTED = frozenset({"array", "struct", "map", "variant"})
_PLAIN = frozenset(
    "boolean byte tinyint short smallint integer int long bigint decimal date timestamp timestamp_ntz binary time"
    " interval char varchar".split()
)
# All that to_json would leave out otherwise.
_JSON = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


def total(frame: DataFrame) -> list[Column] | None:
    """Aggregates ``rows`` and ``total`` (the sum of all rows' hashes); None if there is a type that can't be hashed."""
    from pyspark.sql import functions as F

    columns: list[Column] = []
    for field in frame.schema.fields:
        hashed = _hashable(frame["`" + field.name.replace("`", "``") + "`"], field.dataType)
        if hashed is None:
            return None
        column, is_null = hashed
        columns += [column, is_null]
    row = F.xxhash64(*columns) if columns else F.lit(0)
    # A sum and no xor, in which two equal rows would vanish; decimal, which can't overflow below 10^19 rows.
    summed = F.coalesce(F.sum(row.cast("decimal(20,0)")), F.lit(0)).cast("string")
    return [F.count(F.lit(1)).alias("rows"), summed.alias("total")]


def _hashable(column: Column, kind: DataType) -> tuple[Column, Column] | None:
    """A column that xxhash64 takes, and whether it is null: for the hash a null is as if it were not there."""
    from pyspark.sql import functions as F

    name = kind.typeName()
    if name == "string":
        return column.cast("binary"), column.isNull()  # a collation calls different texts equal
    if name in _BY_TEXT:
        return column.cast("string"), column.isNull()
    if name in _NESTED:
        return F.to_json(F.struct(column.alias("c")), _JSON), column.isNull()
    return (column, column.isNull()) if name.partition(" ")[0] in _PLAIN else None


def version(schema: StructType, rows: int, total: str) -> str:
    """The version of data with this schema, count and sum of hashes."""
    return digest(schema.json(), str(rows), total)[:40]
