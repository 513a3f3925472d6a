"""Spark's own programs: both shells, spark-sql, and a Connect server with Python's client."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import artifacts, pruned

pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900)]

LOCAL = ("--master", "local[2]", "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2")
# Pi by SparkPi's way: the jar with Spark's examples in Scala is in no package of pip.
SCALA = """\
case class Person(name: String, age: Int)
val people = Seq(Person("Ada", 36), Person("Bob", 7)).toDS()
people.filter(_.age > 9).map(_.name + "!").collect().mkString(",")
people.groupByKey(_.age % 2).mapGroups((odd, some) => (odd, some.size)).collect().sorted.mkString
val hits = sc.parallelize(1 to 200000, 2).filter { _ => math.hypot(math.random(), math.random()) < 1 }.count()
math.round(hits * 40 / 200000.0)
"""
PYTHON = """\
people = spark.createDataFrame([("Ada", 36), ("Bob", 7)], "name string, age int")
print("found", people.where("age > 9").collect(), sc.parallelize(range(9)).sum())
"""
SQL = """\
CREATE TABLE people (name STRING, age INT) USING parquet;
INSERT INTO people VALUES ('Ada', 36), ('Bob', 7);
CREATE TABLE grown STORED AS ORC AS SELECT * FROM people WHERE age > 9;
SELECT concat(name, '!'), age FROM grown;
"""
CLIENT = """\
import sys
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
twice = F.udf(lambda n: 2 * n, "long")
print("found", type(spark).__module__, spark.range(10).select(F.sum(twice("id"))).collect()[0][0])
print("pandas", spark.sql("SELECT 'a' AS x UNION ALL SELECT 'b'").toPandas().x.tolist())
"""


def test_spark_shell(tmp_path: Path) -> None:
    done = pruned.run("bin/spark-shell", *LOCAL, folder=tmp_path, stdin=SCALA)
    for line in ("String = Ada!", "String = (0,1)(1,1)", "Long = 31"):
        assert line in done.stdout, done.stdout + done.stderr[-3000:]


def test_pyspark(tmp_path: Path) -> None:
    shell = ("env", "PYSPARK_DRIVER_PYTHON_OPTS=-i", pruned.HOME / "bin" / "pyspark")  # without -i, a pipe is a script
    done = pruned.run(*shell, *LOCAL, folder=tmp_path, stdin=PYTHON)
    assert "found [Row(name='Ada', age=36)] 36" in done.stdout, done.stdout + done.stderr[-3000:]


def test_spark_sql(tmp_path: Path) -> None:
    """With Hive's metastore in Derby, and a table that Hive's own code writes."""
    done = pruned.run("bin/spark-sql", *LOCAL, "-e", SQL, folder=tmp_path)
    assert done.stdout.splitlines()[-1] == "Ada!\t36", done.stdout + done.stderr[-3000:]
    assert (tmp_path / "metastore_db").is_dir()


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[str]:
    """The address of a Connect server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    binding = f"spark.connect.grpc.binding.address=127.0.0.1 spark.connect.grpc.binding.port={port}".split()
    conf = [word for each in binding for word in ("--conf", each)]
    script = str(pruned.HOME / "sbin" / "start-connect-server.sh")
    places = {"SPARK_LOG_DIR": str(tmp_path / "logs"), "SPARK_PID_DIR": str(tmp_path)}
    environment = {**pruned.env(tmp_path, artifacts.libraries()), **places}
    with (tmp_path / "server").open("w") as said:
        command = [script, "--wait", *LOCAL, *conf]
        # A session of its own: the script stays, as the father of the server.
        running = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=said, stderr=said, start_new_session=True
        )
    try:
        pruned.wait_until(lambda: running.poll() is not None or is_open(port))
        assert running.poll() is None, (tmp_path / "server").read_text()[-5000:]
        yield f"sc://127.0.0.1:{port}"
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(60)


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_connect_server(connect: str, tmp_path: Path) -> None:
    done = pruned.run(sys.executable, "-c", CLIENT, connect, folder=tmp_path, libraries=(artifacts.libraries(),))
    assert done.stdout.splitlines() == ["found pyspark.sql.connect.session 90", "pandas ['a', 'b']"], done.stderr
