"""What a DataFrame would read, and whether it would give other data each time: by its analyzed plan, before any job."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PACKAGE = "org.apache.spark.sql.catalyst.expressions."
# Expressions that ask for the time, for chance, for who asks, or for where rows happen to be. Aggregates that depend on
# the order of rows (first, collect_list) are not here: what they gave once is as right as what they would give now.
_FRESH = (
    "Rand", "Randn", "RandStr", "Uniform", "Uuid", "Shuffle", "MonotonicallyIncreasingID", "SparkPartitionID",
    "CurrentTimestamp", "CurrentTimestampNanos", "CurrentTimestampPrecision", "Now", "LocalTimestamp", "CurrentDate",
    "CurrentTime", "CurrentUser", "CurrentDatabase", "CurrentCatalog", "InputFileName", "InputFileBlockStart",
    "InputFileBlockLength",
)  # fmt: skip


@dataclass
class Reads:
    """The sources of a plan: ``paths`` of files and folders, and ``others``; ``snapshots`` of those that have such."""

    paths: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    snapshots: dict[str, str] = field(default_factory=dict)


def of(frame: DataFrame) -> Reads:
    """What ``frame`` reads."""
    found = Reads()
    for plan in _plans(frame):
        leaves = plan.collectLeaves()
        for at in range(leaves.size()):
            _source(leaves.apply(at), found)
    return found


def fresh(frame: DataFrame) -> list[str]:
    """The expressions that give other data each time, by their classes' names."""
    found: set[str] = set()
    for plan in _plans(frame):
        text = str(plan.toJSON())
        found.update(name for name in _FRESH if f'"class":"{_PACKAGE}{name}"' in text)
        if re.search(r'"udfDeterministic":false', text):
            found.add("a non-deterministic UDF")
    return sorted(found)


def named_functions(frame: DataFrame) -> list[str]:
    """Python functions of the plan that SQL knows by a name (``spark.udf.register``): their code can't be seen."""
    spark = frame.sparkSession
    catalog = spark._jsparkSession.sessionState().catalog()
    identifier = cast(Any, spark._jvm).org.apache.spark.sql.catalyst.FunctionIdentifier
    pattern = rf'"class":"{re.escape(_PACKAGE)}PythonUDF","num-children":\d+,"name":"([^"]+)"'
    names = {name for plan in _plans(frame) for name in re.findall(pattern, str(plan.toJSON()))}
    return sorted(name for name in names if catalog.isTemporaryFunction(identifier(name)))


def _plans(frame: DataFrame) -> list[Any]:
    plan = frame._jdf.queryExecution().analyzed()
    inner = plan.subqueriesAll()
    return [plan, *(inner.apply(at) for at in range(inner.size()))]


def _source(leaf: Any, found: Reads) -> None:  # noqa: ANN401
    kind = leaf.getClass().getSimpleName()
    if kind == "LogicalRelation":
        relation = leaf.relation()
        if relation.getClass().getSimpleName() == "HadoopFsRelation":
            paths = relation.location().rootPaths()
            found.paths += [paths.apply(at).toString() for at in range(paths.size())]
        else:
            found.others.append(str(relation.getClass().getSimpleName()))
    elif kind == "HiveTableRelation":
        found.others.append(str(leaf.tableMeta().qualifiedName()))
    elif kind.startswith("DataSourceV2") or kind.startswith("StreamingRelation"):
        table = leaf.table() if kind.startswith("DataSourceV2") else None
        name = str(table.name()) if table else kind
        found.others.append(name)
        snapshot = table.properties().get("current-snapshot-id") if table else None  # Iceberg's
        if snapshot:
            found.snapshots[name] = str(snapshot)
