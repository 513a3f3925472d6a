"""Hot deploy of JVM code from PySpark: functions in SQL, and classes behind the gateway, in their newest version.

PySpark has artifact isolation off for the whole application (DEFAULT_CONFIGS in pyspark/core/context.py): with a state
of its own a session would lose its Python files, and get other Python workers. So nothing of the session is touched:
a function carries its classes with it, and its executors find them there (jvm/main/Functions.scala).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaPackage  # type: ignore[import-untyped]
from pyspark.sql import SparkSession
from pyspark.sql.types import DataType
from pyspark.sql.udf import UDFRegistration

from ..errors import SparkspaceError

MAVEN, GRADLE = "target/classes", ("build/classes/scala/main", "build/classes/java/main")


class JvmDeployError(SparkspaceError):
    """The JVM code can't be deployed; the version before goes on."""

    exit_code = 70  # EX_SOFTWARE
    reason = "hot-deploy"


def class_dirs(env: Mapping[str, str], folder: Path) -> list[Path]:
    """Where a build tool puts classes: ``SPARKSPACE_CLASS_DIR``, else what is there of Maven's, sbt's and Gradle's.

    Args:
        env: the environment.
        folder: the project's.
    """
    named = [name.strip() for name in env.get("SPARKSPACE_CLASS_DIR", "").split(os.pathsep) if name.strip()]
    if named:
        return [folder / name for name in named]
    scala = sorted(folder.glob("target/scala-*/classes"), key=lambda path: -path.stat().st_mtime)
    kinds = [[folder / MAVEN], [folder / "target/scala-2.13/classes"], scala[:1], [folder / name for name in GRADLE]]
    return next((found for kind in kinds if (found := [path for path in kind if path.is_dir()])), [])


def hotdeploy(spark: SparkSession, dirs: list[Path]) -> str:
    """Deploy the classes of directories, if they are new.

    From then on ``spark.sql("select f(x)")`` and ``sc._jvm.pkg.Cls`` use them, in every thread, and so does
    ``spark.udf.registerJavaFunction``, for a class of theirs.

    Returns:
        The version, as ``2 5f1c9a…``; empty: there are no classes.

    Raises:
        JvmDeployError: a class file is cut short, say; what was deployed stays.
    """
    _hook()
    return str(_ask(spark, "deploy", os.pathsep.join(map(str, dirs))))


def is_here(spark: SparkSession) -> bool:
    """Whether this Spark has our JVM code: one that sparkspace has installed."""
    return not isinstance(_class(spark), JavaPackage)


def versions(spark: SparkSession) -> list[str]:
    """What :func:`go` can go back to, the oldest first: ``number checksum``."""
    return list(_ask(spark, "all"))


def go(spark: SparkSession, version: str) -> str:
    """Go back to a version, by its number or the start of its checksum.

    Raises:
        JvmDeployError: there is no such version.
    """
    return str(_ask(spark, "go", version))


def _ask(spark: SparkSession, method: str, *arguments: str) -> Any:  # noqa: ANN401  what Py4J hands out has no types
    functions = _functions(spark)
    words = arguments if method == "all" else (_java(spark), *arguments)
    try:
        return getattr(functions, method)(*words)
    except Exception as error:  # py4j's, or what PySpark makes of it
        raise JvmDeployError(*_told(error)) from error


def _told(error: Exception) -> tuple[str, str]:
    java = getattr(error, "java_exception", None)
    return str(java.getMessage() if java else error), "Compile again, then again."


def _functions(spark: SparkSession) -> Any:  # noqa: ANN401  what Py4J hands out has no types
    """Our own class in the driver's JVM.

    Raises:
        JvmDeployError: this Spark has not got it.
    """
    found = _class(spark)
    if isinstance(found, JavaPackage):  # what Py4J takes an unknown name for
        raise JvmDeployError(
            "This Spark has no sparkspace-jvm.jar: it was not installed by sparkspace.", "scripts/setup"
        )
    return found


def _class(spark: SparkSession) -> Any:  # noqa: ANN401  what Py4J hands out has no types
    jvm: Any = spark.sparkContext._jvm
    return jvm.org.apache.spark.sparkspace.Functions


def _java(spark: SparkSession) -> Any:  # noqa: ANN401  what Py4J hands out has no types
    return spark._jsparkSession


@functools.cache
def _hook() -> None:
    """``registerJavaFunction`` for a class that is deployed: Spark's own would look for it on the class path."""
    theirs = UDFRegistration.registerJavaFunction

    @functools.wraps(theirs)
    def register(
        self: UDFRegistration, name: str, javaClassName: str, returnType: DataType | str | None = None
    ) -> None:
        spark = self.sparkSession
        if not _functions(spark).has(javaClassName):
            theirs(self, name, javaClassName, returnType)
            return
        typed = spark._parse_ddl(returnType) if isinstance(returnType, str) else returnType
        java = None if typed is None else _java(spark).parseDataType(typed.json())
        try:
            _functions(spark).register(_java(spark), name, javaClassName, java)
        except Exception as error:
            raise JvmDeployError(*_told(error)) from error

    UDFRegistration.registerJavaFunction = register  # type: ignore[method-assign]
