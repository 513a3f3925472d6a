"""A daemon's JVM: what Spark's own launcher would start, without asking it each time."""

from __future__ import annotations

import os
from pathlib import Path

import pyspark
import pytest

from buildpack import archives
from sparkspace import archive, launch
from sparkspace.cluster import jvm, roles

HOME = Path(pyspark.__file__).parent
OPERATOR = {
    "SPARK_CONF_DIR": "/conf",
    "SPARK_DAEMON_MEMORY": "300m",
    "SPARK_DAEMON_CLASSPATH": "/a.jar:/b.jar",
    "SPARK_DAEMON_JAVA_OPTS": "-Da='b c' -Dd=e",
    "SPARK_MASTER_OPTS": "-Dfor=master",
    "SPARK_WORKER_OPTS": "-Dfor=worker",
    "SPARK_HISTORY_OPTS": "-Dfor=history",
}
LAUNCHER = archive.Archive("/classes.jar", "", ("--add-opens=some",))


@pytest.mark.spark
@pytest.mark.parametrize("main", [roles.MASTER_CLASS, roles.WORKER_CLASS, roles.HISTORY_CLASS])
def test_the_command_is_that_of_sparks_own_launcher(main: str) -> None:
    """Option by option, for this very version; but that launcher puts one jar first which has its turn anyhow.

    With all of Spark's jars: what a daemon has of them is in tests/test_archive.py.
    """
    java_home = launch.java_home(os.environ)
    found = archive.find(HOME, java_home)
    assert found.launcher, "scripts/setup dev makes the archives"
    env = {**OPERATOR, **jvm.exported(HOME), "SPARK_HOME": str(HOME), "JAVA_HOME": str(java_home)}
    theirs = archives.launched(java_home, [main, "--host", "a b"], env)
    ours = [word.replace(jvm.CONF_DIR, "/conf") for word in jvm.command(HOME, found, env, [main, "--host", "a b"])]
    first = f"{HOME}/jars/slf4j-api"
    place = theirs.index("-cp") + 1
    theirs[place] = ":".join(entry for entry in theirs[place].split(":") if not entry.startswith(first))
    assert ours == theirs


@pytest.mark.parametrize(
    ("found", "env"), [(archive.NONE, {}), (LAUNCHER, {"SPARK_PREPEND_CLASSES": "1"})], ids=["unknown", "developed"]
)
def test_sparks_script_finds_out_what_the_build_does_not_know(found: archive.Archive, env: dict[str, str]) -> None:
    command = jvm.command(Path("/spark"), found, {**OPERATOR, **env}, ["Main", "--host", "x"])
    assert command == ("/spark/bin/spark-class", "Main", "--host", "x")


@pytest.mark.parametrize(
    ("env", "busy", "expected"),
    [
        ({}, False, f"{jvm.QUICK} {jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({}, True, f"{jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_DAEMON_MEMORY": "47m"}, True, f"{jvm.SERIAL} {jvm.LITTLE}"),
        ({"SPARK_DAEMON_MEMORY": "40000k"}, True, f"{jvm.SERIAL} {jvm.LITTLE}"),
        ({"SPARK_DAEMON_MEMORY": "50331647"}, True, f"{jvm.SERIAL} {jvm.LITTLE}"),
        ({"SPARK_DAEMON_MEMORY": "much"}, True, f"{jvm.SERIAL} {jvm.LITTLE}"),  # Java says what it does not like
        ({"SPARK_DAEMON_MEMORY": "1G"}, True, f"{jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_DAEMON_MEMORY": "48m"}, True, f"{jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_DAEMON_JAVA_OPTS": "-XX:+UseG1GC"}, False, f"{jvm.QUICK} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_WORKER_OPTS": "-ea -XX:+UseParallelGC"}, True, f"-XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_MASTER_OPTS": "-XX:+UseParallelGC"}, True, f"{jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
        ({"SPARK_WORKER_OPTS": "-XX:+UseGCOverheadLimit"}, True, f"{jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"),
    ],
)
def test_what_a_small_daemon_needs(env: dict[str, str], busy: bool, expected: str) -> None:
    assert jvm.small(env, roles.WORKER_CLASS, busy) == expected


@pytest.mark.parametrize(("rest", "expected"), [("", "/spark/jars/*"), ("/spark/jars/own.jar", "/spark/jars/own.jar")])
def test_the_class_path_ends_with_what_the_archives_has_not(rest: str, expected: str) -> None:
    found = archive.Archive("/daemons.jar", "", ("--add-opens=some",), rest)
    env = {"JAVA_HOME": "/jdk", "SPARK_DAEMON_CLASSPATH": "/daemons.jar", "SPARK_DAEMON_MEMORY": "300m"}
    command = jvm.command(Path("/spark"), found, env, [roles.WORKER_CLASS])
    assert command[command.index("-cp") + 1] == f"/daemons.jar:{jvm.CONF_DIR}:{expected}"


def test_quotes_are_sparks() -> None:
    env = {**OPERATOR, "JAVA_HOME": "/jdk"}
    command = jvm.command(Path("/spark"), LAUNCHER, env, [roles.WORKER_CLASS])
    assert command[0] == "/jdk/bin/java"
    assert command[3:] == ("-Da=b c", "-Dd=e", "-Dfor=worker", "-Xmx300m", "--add-opens=some", roles.WORKER_CLASS)
