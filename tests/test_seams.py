"""What hot deploy relies on in pyspark, and nobody promises: looked at without a JVM, so that a new Spark fails here
first, and by name.
"""

from __future__ import annotations

import importlib
import inspect
import operator
import types
import zipfile
from pathlib import Path
from typing import Any

import pyspark
import pytest
from pyspark import accumulators, cloudpickle, daemon, java_gateway
from pyspark.sql import SparkSession, udf, udtf

from sparkspace.code.boot import broadcasts as held
from sparkspace.code.hooks import spark

ROOTS = types.SimpleNamespace(
    rdds=spark.rdds,
    broadcasts=spark.broadcasts,
    DataFrame=spark.DataFrame,
    SparkContext=pyspark.SparkContext,
    SparkSession=SparkSession,
    udf=udf,
    udtf=udtf,
    accumulators=accumulators,
    cloudpickle=cloudpickle,
    daemon=daemon,
)
# What we call, or put our own in the place of: how it is called.
SIGNATURES = {
    "rdds._prepare_for_python_RDD": "sc command",
    "rdds.PipelinedRDD._jrdd": "self",
    "rdds.RDD.persist": "self storageLevel",
    "broadcasts.Broadcast.dump": "self value f",
    "broadcasts.Broadcast.load": "self file",
    "broadcasts.Broadcast.load_from_path": "self path",
    "udf.UserDefinedFunction.__init__": "self func returnType name evalType deterministic",
    "udf.UserDefinedFunction._judf": "self",
    "udf.UserDefinedFunction.returnType": "self",
    "udf.UDFRegistration.register": "self name f returnType",
    "udtf.UserDefinedTableFunction._judtf": "self",
    "udtf.UDTFRegistration.register": "self name f",
    "DataFrame.rdd": "self",
    "DataFrame.cache": "self",
    "DataFrame.persist": "self storageLevel",
    "SparkSession.sql": "self sqlQuery",
    "SparkSession.table": "self tableName",
    "cloudpickle.CloudPickler.__init__": "self file protocol",
    "cloudpickle.CloudPickler.reducer_override": "self obj",
    "cloudpickle.register_pickle_by_value": "module",
    "accumulators.AddingAccumulatorParam.__init__": "self zero_value",
    "daemon.manager": "",
}
# What sets or uses names that we read, or replace.
NAMES = {
    "rdds.RDD.__init__": "_jrdd ctx is_cached is_checkpointed",
    "rdds.PipelinedRDD.__init__": "_prev_jrdd _jrdd_val is_cached is_checkpointed",
    "rdds.PipelinedRDD._jrdd": "_jrdd_val _prev_jrdd _wrap_function",
    "rdds._wrap_function": "_prepare_for_python_RDD",
    "udf._wrap_function": "_prepare_for_python_RDD",
    "udf.UserDefinedFunction.__init__": "func _returnType _name evalType deterministic",
    "udf.UserDefinedFunction._judf": "_judf_placeholder",
    "udf.UDFRegistration.__init__": "sparkSession",
    "udtf.UserDefinedTableFunction._create_judtf": "_wrap_function",
    "udtf.UserDefinedTableFunction._judtf": "_judtf_placeholder",
    "udtf.UDTFRegistration.__init__": "sparkSession",
    "broadcasts.Broadcast.__init__": "_sc _path _jbroadcast",
    "broadcasts.Broadcast.load_from_path": "load",
    "broadcasts.Broadcast.value": "_value _path load_from_path",
    "accumulators.Accumulator.__init__": "aid _accumulatorRegistry",
    "SparkContext._do_init": "environment pythonExec pythonVer _javaAccumulator _jsc",
    "SparkSession.__init__": "_jsparkSession",
    "daemon.manager": "select signal",
}


def at(path: str) -> Any:  # noqa: ANN401
    """A function of pyspark; a property's own."""
    above, _, name = path.rpartition(".")
    owner = operator.attrgetter(above)(ROOTS)
    assert inspect.getattr_static(owner, name, None), f"pyspark {pyspark.__version__} has no {path}"
    found = inspect.getattr_static(owner, name)
    return getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__func__", None) or found


@pytest.mark.parametrize("path", SIGNATURES)
def test_it_is_called_so(path: str) -> None:
    expected, found = SIGNATURES[path].split(), list(inspect.signature(at(path)).parameters)
    assert found[: len(expected)] == expected, f"{path} of pyspark {pyspark.__version__}"


@pytest.mark.parametrize("path", NAMES)
def test_it_uses_what_we_read_or_replace(path: str) -> None:
    assert set(NAMES[path].split()) - used(at(path).__code__) == set(), f"{path} of pyspark {pyspark.__version__}"


def used(code: types.CodeType) -> set[str]:
    """All names that a function looks up or sets, and those inside it do."""
    below = [used(each) for each in code.co_consts if isinstance(each, types.CodeType)]
    return set(code.co_names).union(*below)


def test_what_executors_count_is_added_in_the_registry() -> None:
    """Our own stands in there."""
    name = "UpdateRequestHandler" if hasattr(accumulators, "UpdateRequestHandler") else "_UpdateRequestHandler"
    assert "_accumulatorRegistry" in used(at(f"accumulators.{name}.handle").__code__), pyspark.__version__


def test_an_rdd_has_its_jvm_object_as_a_plain_attribute() -> None:
    """It becomes a property."""
    assert not hasattr(pyspark.RDD, "_jrdd"), pyspark.__version__


def test_the_places_are_those_that_pyspark_uses() -> None:
    assert spark.rdds.RDD is pyspark.RDD and spark.broadcasts.Broadcast is pyspark.Broadcast
    assert isinstance(accumulators._accumulatorRegistry, dict)
    assert isinstance(spark.broadcasts._broadcastRegistry, dict)


def test_what_a_worker_asks_for() -> None:
    files = importlib.import_module("pyspark.core.files" if not spark.IS_OLD else "pyspark.files")
    assert hasattr(files.SparkFiles, "_root_directory"), pyspark.__version__
    assert {"get", "taskAttemptId", "getLocalProperty"} <= vars(pyspark.TaskContext).keys()


def test_a_broadcast_can_be_made_lazy() -> None:
    """A worker changes its class."""
    this = spark.broadcasts.Broadcast.__new__(spark.broadcasts.Broadcast)
    this.__class__ = held.lazy_broadcast(spark.broadcasts.Broadcast)
    this._value = "plain"
    assert this.value == "plain"


def test_plans_are_written_with_classes_that_the_jvm_has() -> None:
    """``plans.py`` names them through py4j, which takes any name."""
    assert entry("spark-core_*.jar", "org/apache/spark/api/python/SimplePythonFunction.class")
    assert "org.apache.spark.api.python.*" in java_gateway.launch_gateway.__code__.co_consts
    dataset = f"org/apache/spark/sql/{'' if spark.IS_OLD else 'classic/'}Dataset.class"
    assert b"ofRows" in entry("spark-sql_*.jar", dataset), pyspark.__version__


def entry(jar: str, name: str) -> bytes:
    [path] = (Path(pyspark.__file__).parent / "jars").glob(jar)
    with zipfile.ZipFile(path) as opened:
        return opened.read(name)


@pytest.mark.skipif(spark.IS_OLD, reason="Spark 3.5 has no data sources in Python")
def test_a_data_source_is_registered() -> None:
    kind = importlib.import_module("pyspark.sql.datasource").DataSourceRegistration
    assert list(inspect.signature(kind.register).parameters) == ["self", "dataSource"], pyspark.__version__
