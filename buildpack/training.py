"""What is run once so that its classes are archived: a little of all that applications commonly do.

A cluster inside of one JVM first (master, worker, the driver's side of a cluster, encrypted), then the same JVM again
as driver and executor in one. Run by archives.py through Spark's own spark-submit.
"""

from __future__ import annotations

import glob
import os
import tempfile
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SECURE = {
    "spark.authenticate": "true",
    "spark.authenticate.secret": "in-the-environment",
    "spark.network.crypto.enabled": "true",
    "spark.io.encryption.enabled": "true",
    "spark.executor.memory": "512m",
    "spark.ui.port": "0",
    "spark.ui.showConsoleProgress": "false",
}
# Loaded on workers alone, or by the shell.
CLASSES = (
    "org.apache.spark.executor.CoarseGrainedExecutorBackend",
    "org.apache.spark.deploy.history.HistoryServer",
    "org.apache.spark.repl.Main",
)
NOWHERE = {
    "fs.s3a.endpoint": "http://127.0.0.1:1",
    "fs.s3a.endpoint.region": "us-east-1",
    "fs.s3a.access.key": "none",
    "fs.s3a.secret.key": "none",
    "fs.s3a.attempts.maximum": "0",
    "fs.s3a.retry.limit": "0",
}


def session(master: str) -> SparkSession:
    """A session with the security that sparkspace sets."""
    builder = SparkSession.builder.master(master).appName("training")
    for name, value in SECURE.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def use(spark: SparkSession, folder: str) -> None:
    """Files, joins, windows, a Python function, an RDD."""
    plus_one = f.udf(lambda number: number + 1, "long")
    frame = spark.range(0, 1000, 1, 2).withColumn("key", f.col("id") % 7)
    for kind in ("parquet", "json", "csv"):
        frame.write.format(kind).partitionBy("key").save(f"{folder}/{kind}")
    read = spark.read.parquet(f"{folder}/parquet").cache()
    joined = read.join(read.groupBy("key").agg(f.count("*").alias("many"), f.avg("id")), "key")
    joined.select(plus_one("id").alias("next"), "many").agg(f.sum("next"), f.max("many")).collect()
    read.createOrReplaceTempView("numbers")
    spark.sql("select key, row_number() over (partition by key order by id) from numbers order by 1, 2 limit 5").show()
    spark.read.json(f"{folder}/json").union(spark.read.schema("id long, key long").csv(f"{folder}/csv")).count()
    spark.sparkContext.parallelize(range(100), 2).map(lambda number: (number % 3, number)).reduceByKey(max).collect()


def touch(jvm: Any, settings: Any) -> None:  # noqa: ANN401  # py4j's own
    """Classes that nothing above loads, and those of the client for S3, which is refused a connection."""
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for name in CLASSES:
        jvm.java.lang.Class.forName(name, True, loader)
    for name, value in NOWHERE.items():
        settings.set(name, value)
    try:
        jvm.org.apache.hadoop.fs.Path("s3a://nowhere/file").getFileSystem(settings).exists(
            jvm.org.apache.hadoop.fs.Path("s3a://nowhere/file")
        )
    except Exception as error:  # noqa: BLE001  # what it is does not matter: the classes are loaded
        print(type(error).__name__)


def interpret(jvm: Any) -> None:  # noqa: ANN401
    """A line of Scala, as spark-shell compiles it. Its compiler does not look into the manifests of jars."""
    settings = jvm.scala.tools.nsc.Settings()
    settings.processArgumentString("-classpath " + ":".join(glob.glob(os.environ["SPARK_HOME"] + "/jars/*.jar")))
    loop = getattr(getattr(jvm.org.apache.spark.repl, "SparkILoop$"), "MODULE$")
    loop.run("case class Point(x: Int)\nSeq(Point(1)).map(_.x).sum", settings)


def main() -> None:
    """Everything, once."""
    with tempfile.TemporaryDirectory() as folder:
        spark = session("local-cluster[1,1,512]")
        spark.range(10).groupBy((f.col("id") % 2).alias("key")).count().collect()
        spark.stop()
        spark = session("local[2]")
        use(spark, folder)
        context = spark.sparkContext
        touch(context._jvm, context._jsc.hadoopConfiguration())
        interpret(context._jvm)
        spark.stop()


if __name__ == "__main__":
    main()
