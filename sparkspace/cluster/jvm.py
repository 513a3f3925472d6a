"""The JVM of a daemon: what Spark's ``bin/spark-class`` would become, without the JVM that it asks for the command.

See ``org.apache.spark.launcher.SparkClassCommandBuilder``, which reads the same variables.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from .. import archive, launch

# In a command: the folder of its conf files, which are written later. No word of a user's has a NUL.
CONF_DIR = "\0SPARK_CONF_DIR\0"
# What gives a JVM another class path.
OTHERS = ("SPARK_PREPEND_CLASSES", "SPARK_TESTING", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_DIST_CLASSPATH")
# A daemon waits most of its life: the quick compiler alone, and the collector with the least memory and threads. And
# that one later than Java would have it: most of what a start runs a few hundred times never runs again.
# What serves shuffle files can't do without the other one, which alone makes use of the processor's AES.
QUICK = "-XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=3"
SERIAL = "-XX:+UseSerialGC"
# A small nursery: what a collection finds dead there was memory all the same.
LITTLE = "-XX:NewSize=6m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20"
BEGIN_MB = 48  # of heap, which a start needs anyhow: to grow to it takes ten collections, a tenth of the time
_SIZE = re.compile(r"(\d+)([kmgt]?)", re.IGNORECASE)  # as Java reads it
_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")


def options(env: Mapping[str, str], spark_class: str) -> list[str]:
    """The options of the operator, and ours, for a daemon's JVM: those of all daemons, then those of its kind."""
    kind = spark_class.rpartition(".")[2].removesuffix("Server").upper()
    return [word for name in ("DAEMON_JAVA", kind) for word in shlex.split(env.get(f"SPARK_{name}_OPTS", ""))]


def small(env: Mapping[str, str], spark_class: str, busy: bool) -> str:
    """Options of a daemon that needs little. An operator who names a collector has it: Java refuses two.

    Args:
        env: with the operator's own options.
        busy: it also serves data.
    """
    collects = any(_COLLECTOR.match(word) for word in options(env, spark_class))
    return " ".join([*([] if busy else [QUICK]), *([] if collects else [SERIAL]), *_begin(env), LITTLE])


def _begin(env: Mapping[str, str]) -> list[str]:
    """Java refuses to begin with more than an operator's most."""
    most = env.get("SPARK_DAEMON_MEMORY", "1g")
    read = _SIZE.fullmatch(most)
    is_enough = read and int(read[1]) << 10 * " kmgt".index(read[2].lower() or " ") >= BEGIN_MB << 20
    return [f"-XX:InitialHeapSize={BEGIN_MB}m"] if is_enough else []


def command(home: Path, found: archive.Archive, env: Mapping[str, str], spark_class: list[str]) -> tuple[str, ...]:
    """What to become: the class with its arguments.

    Args:
        home: ``SPARK_HOME``.
        found: with the options of Spark's launcher. Without them, or where the class path is another (``OTHERS``),
            Spark's script finds them out.
        env: the daemon's, with ``JAVA_HOME`` and ``SPARK_DAEMON_MEMORY``.
    """
    if not found.launcher or any(map(env.get, OTHERS)):
        return (str(home / "bin" / "spark-class"), *spark_class)
    class_path = os.pathsep.join(filter(None, [env.get("SPARK_DAEMON_CLASSPATH"), CONF_DIR, rest(home, found)]))
    java = [f"{env['JAVA_HOME']}/bin/java", "-cp", class_path]
    heap = f"-Xmx{env['SPARK_DAEMON_MEMORY']}"
    return (*java, *options(env, spark_class[0]), heap, *found.launcher, *spark_class)


def rest(home: Path, found: archive.Archive) -> str:
    """The end of a class path: what an archive's own has not."""
    return found.rest or f"{home}/jars/*"


def exported(home: Path) -> dict[str, str]:
    """What ``bin/load-spark-env.sh`` exports: without it a Worker can't make the command of an executor.

    Raises:
        LaunchError: there is no Spark.
    """
    return {"SPARK_SCALA_VERSION": launch.scala_version(home), "SPARK_ENV_LOADED": "1"}
