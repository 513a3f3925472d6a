"""What a result depends on besides code and data: versions, Spark's settings, declared variables."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ... import redaction
from .leaf import Leaf, digest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Every setting of SQLConf that somebody has set counts, but those that only say how fast, how parallel, where or how
# loudly. A list of those that matter would be shorter, and silently wrong with the next version of Spark.
_HARMLESS = re.compile(
    r"spark\.sql\.(adaptive|artifact|broadcastTimeout|cbo|codegen|debug|inMemoryColumnarStorage|limit|repl|shuffle"
    r"|statistics|streaming|thriftServer|ui|autoBroadcastJoinThreshold|queryExecutionListeners|streamingUI"
    r"|catalogImplementation|warehouse\.dir|join\.preferSortMergeJoin|maxMetadataStringLength|maxPlanStringLength"
    r"|files\.(maxPartitionBytes|openCostInBytes|minPartitionNum|maxPartitionNum|maxRecordsPerFile)"
    r"|parquet\.(compression\.codec|output\.committer\.class|filterPushdown.*|enableVectorizedReader)"
    r"|sources\.(commitProtocolClass|parallelPartitionDiscovery.*|bucketing.*)|redaction\..*"
    r"|execution\.(arrow\.pyspark\.fallback\.enabled|broadcastHashJoin.*|reuseSubquery.*|topKSortFallbackThreshold)"
    r")(\..*)?"
)
TIME_ZONE = "spark.sql.session.timeZone"  # set or not: the default is the machine's
_UNSET = "\0"


def settings(spark: SparkSession) -> dict[str, str]:
    """All properties that are set in this session, by one call to the JVM."""
    state = spark._jsparkSession.sessionState()  # public in Scala alone
    pairs = str(state.conf().getAllConfs().mkString("\0")).split("\0")
    found = dict(pair.partition(" -> ")[::2] for pair in pairs if pair)
    return {**found, TIME_ZONE: str(spark.conf.get(TIME_ZONE))}


def of_session(spark: str, set_: Mapping[str, str]) -> list[Leaf]:
    """Leaves that all modules of a session share: Python's and Spark's versions, and settings that can matter."""
    python = ".".join(map(str, sys.version_info[:2]))
    confs = [_conf(name, value) for name, value in set_.items() if counts(name)]
    return [Leaf("runtime", "Python", python, python), Leaf("runtime", "Spark", spark, spark), *confs]


def counts(name: str) -> bool:
    """Whether a setting may change what a query gives."""
    return name.startswith("spark.sql.") and not _HARMLESS.fullmatch(name)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of settings that can matter, and are not as they were."""
    return sorted(name for name in before.keys() | after.keys() if counts(name) and before.get(name) != after.get(name))


def declared(conf: Iterable[str], set_: Mapping[str, str], env: Iterable[str], found: Mapping[str, str]) -> list[Leaf]:
    """Leaves of the properties and environment variables that a module names. Values of variables are not kept."""
    leaves = [_conf(name, set_.get(name, _UNSET)) for name in conf]
    return leaves + [Leaf("env", name, digest(found.get(name, _UNSET))) for name in env]


def _conf(name: str, value: str) -> Leaf:
    is_secret = re.search(redaction.PATTERN, f"{name}={value}")
    return Leaf("conf", name, digest(value), redaction.MASK if is_secret else "not set" if value == _UNSET else value)
