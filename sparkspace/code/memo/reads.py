"""What a DataFrame would read, and whether it would give other data each time: by its analyzed plan, before any job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PACKAGE = "org.apache.spark.sql.catalyst.expressions."
# Expressions that ask for the time, for chance, for who asks, or for where rows happen to be. Aggregates that depend on
# the order of rows (first, collect_list) are not here: what they gave once is as right as what they would give now.
_FRESH = (
    "Rand", "Randn", "RandStr", "Uniform", "Uuid", "Shuffle", "MonotonicallyIncreasingID", "SparkPartitionID",
    "CurrentTimestamp", "CurrentTimestampNanos", "CurrentTimestampPrecision", "Now", "LocalTimestamp", "CurrentDate",
    "CurrentTime", "CurrentUser", "CurrentDatabase", "CurrentCatalog", "InputFileName", "InputFileBlockStart",
    "InputFileBlockLength", "CallMethodViaReflection", "TryReflect", "AesEncrypt",
)  # fmt: skip
# By name, in a plan: what Python and SQL made of it. Java's have no code that could be seen anyway.
_PYTHON = rf'"class":"{re.escape(_PACKAGE)}Python(?:UDF|UDTF|UDAF)","num-children":\d+,"name":"([^"]+)"'
_SQL = re.compile(r'"class":"[\w.]+\.(?:SQLScalarFunction|SQLFunctionNode|SQLFunctionExpression|SQLTableFunction)"')


@dataclass
class Reads:
    """The sources of a plan: ``paths`` of files and folders, and ``others``; ``snapshots`` of those that have such;
    ``views``."""

    paths: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    snapshots: dict[str, str] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)


class View(NamedTuple):
    """A view in a plan. ``text``: its query; "" if it was made of a DataFrame."""

    name: str
    text: str
    is_temporary: bool
    made_ms: int


def of(frame: DataFrame) -> Reads:
    """What ``frame`` reads."""
    found = Reads()
    for plan in _plans(frame):
        leaves = plan.collectLeaves()
        for at in range(leaves.size()):
            _source(leaves.apply(at), found)
        if '.logical.View"' in plan.toJSON():
            found.views += _views(plan)
    return found


def fresh(frame: DataFrame) -> list[str]:
    """The expressions that give other data each time, by their classes' names."""
    found: set[str] = set()
    for plan in _plans(frame):
        text = str(plan.toJSON())
        found.update(name for name in _FRESH if f'"class":"{_PACKAGE}{name}"' in text)
        if '"udfDeterministic":false' in text:
            found.add("a non-deterministic UDF")
        if '.logical.Sample"' in text:
            found.add("a sample")
    return sorted(found)


def named_functions(frame: DataFrame) -> list[str]:
    """Functions of the plan that SQL knows by a name (``spark.udf.register``): their code can't be seen."""
    spark = frame.sparkSession
    catalog = spark._jsparkSession.sessionState().catalog()
    identifier = cast(Any, spark._jvm).org.apache.spark.sql.catalyst.FunctionIdentifier
    texts = [str(plan.toJSON()) for plan in _plans(frame)]
    names = {name for text in texts for name in re.findall(_PYTHON, text)}
    by_sql = ["a function made by CREATE FUNCTION" for _ in [0] if any(map(_SQL.search, texts))]
    return by_sql + sorted(name for name in names if catalog.isTemporaryFunction(identifier(name)))


def _plans(frame: DataFrame) -> list[Any]:
    plan = frame._jdf.queryExecution().analyzed()
    inner = plan.subqueriesAll()
    return [plan, *(inner.apply(at) for at in range(inner.size()))]


def _views(plan: Any) -> Iterator[View]:  # noqa: ANN401
    if plan.getClass().getSimpleName() == "View":
        about, text = plan.desc(), plan.desc().viewText()
        name = str(about.identifier().unquotedString())
        yield View(name, str(text.get()) if text.isDefined() else "", plan.isTempView(), int(about.createTime()))
    inner = plan.children()
    for at in range(inner.size()):
        yield from _views(inner.apply(at))


def _source(leaf: Any, found: Reads) -> None:  # noqa: ANN401
    kind = leaf.getClass().getSimpleName()
    if kind == "LogicalRelation":
        relation = leaf.relation()
        if relation.getClass().getSimpleName() == "HadoopFsRelation":
            paths = relation.location().rootPaths()
            found.paths += [paths.apply(at).toString() for at in range(paths.size())]
        else:
            found.others.append(str(relation.getClass().getSimpleName()))
    elif kind == "LogicalRDD":  # textFile() and its like have their path for a name
        found.paths += re.findall(r"([^\s|]\S*) (?:New)?HadoopRDD\[", str(leaf.rdd().toDebugString()))
    elif kind == "HiveTableRelation":
        found.others.append(str(leaf.tableMeta().qualifiedName()))
    elif kind.startswith("DataSourceV2") or kind.startswith("StreamingRelation"):
        table = leaf.table() if kind.startswith("DataSourceV2") else None
        name = str(table.name()) if table else kind
        found.others.append(name)
        snapshot = table.properties().get("current-snapshot-id") if table else None  # Iceberg's
        if snapshot:
            found.snapshots[name] = str(snapshot)
