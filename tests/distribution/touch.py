"""A job that touches as much of Spark as one short JVM can. Prints what it found, one name a line, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType

# Each codec whose library is native is used once, and each format.
CODECS = {"parquet": ("zstd", "lz4_raw"), "orc": ("zstd",), "json": ("lz4",), "csv": ("snappy",)}


def people(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([("Ada", "x", 3), ("Bob", "x", 1), ("Cy", "y", 2)], "name string, team string, n int")


def joins(spark: SparkSession) -> object:
    teams = spark.createDataFrame([("x", "red"), ("z", "blue")], "team string, colour string")
    people(spark).createOrReplaceTempView("people")
    teams.createOrReplaceTempView("teams")
    query = "SELECT colour, sum(n) FROM people FULL JOIN teams USING (team) GROUP BY colour ORDER BY colour"
    return [tuple(row) for row in spark.sql(query).collect()]


def windows(spark: SparkSession) -> object:
    rank = F.rank().over(Window.partitionBy("team").orderBy("n"))
    return [row.name for row in people(spark).withColumn("rank", rank).where("rank = 1").orderBy("name").collect()]


def formats(spark: SparkSession) -> object:
    found = {}
    for format, codecs in CODECS.items():
        for codec in codecs:
            people(spark).coalesce(1).write.format(format).option("compression", codec).save(f"{format}/{codec}")
            read = spark.read.schema("name string, team string, n int").format(format).load(f"{format}/{codec}")
            found[f"{format} {codec}"] = read.agg(F.sum("n")).first()[0]
    return found


def table(spark: SparkSession) -> object:
    spark.sql("CREATE TABLE squares USING parquet PARTITIONED BY (even) AS SELECT id * id n, id % 2 even FROM range(9)")
    spark.sql("INSERT INTO squares VALUES (100, 0)")
    even = spark.table("squares").where("even = 0").agg(F.sum("n")).first()[0]
    return [even, spark.catalog.getTable("squares").tableType]


def rdd(spark: SparkSession) -> object:
    words = spark.sparkContext.parallelize(["a b", "b c", "b"], 2).flatMap(str.split)
    return sorted(words.map(lambda word: (word, 1)).reduceByKey(lambda one, other: one + other).collect())


def udf(spark: SparkSession) -> object:
    twice = F.udf(lambda n: 2 * n, IntegerType(), useArrow=False)
    return people(spark).select(F.sum(twice("n"))).first()[0]


def estimator(spark: SparkSession) -> object:
    """A line fitted by MLlib; through the JVM, since ``pyspark.ml`` needs NumPy."""
    ml = spark._jvm.org.apache.spark.ml
    points = spark.range(20).selectExpr("double(id) AS x", "3 * id + 1 AS y")._jdf
    rows = ml.feature.RFormula().setFormula("y ~ x").fit(points).transform(points)
    line = ml.regression.LinearRegression().fit(rows)
    return [round(line.coefficients().apply(0), 6), round(line.intercept(), 6)]


def stream(spark: SparkSession) -> object:
    """Counts which the second query finds in the state that the first has left in RocksDB."""
    spark.conf.set(
        "spark.sql.streaming.stateStore.providerClass",
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    )
    Path("lines").mkdir()
    counts = spark.readStream.schema("word string").json("lines").groupBy("word").count()
    found: list[tuple[str, int]] = []
    for number in (1, 2):
        Path(f"lines/{number}.json").write_text('{"word": "a"}\n{"word": "b"}\n{"word": "a"}\n' * number)
        writer = counts.writeStream.outputMode("complete").trigger(availableNow=True).queryName(f"counts{number}")
        query = writer.format("memory").option("checkpointLocation", "checkpoint").start()
        query.awaitTermination(60)
        found += [tuple(row) for row in spark.table(f"counts{number}").orderBy("word").collect()]
    state = query.lastProgress["stateOperators"][0]["customMetrics"]
    return [*found, any(name.startswith("rocksdb") for name in state)]


def natives(spark: SparkSession) -> object:
    """Whether each native library loads. Most have a slower stand-in in Java, which would hide that one is missing."""
    jvm = spark._jvm
    jvm.com.github.luben.zstd.util.Native.load()
    jvm.org.rocksdb.RocksDB.loadLibrary()
    return {
        "zstd": jvm.com.github.luben.zstd.util.Native.isLoaded(),
        "lz4": str(jvm.net.jpountz.lz4.LZ4Factory.nativeInstance()),
        "snappy": jvm.org.xerial.snappy.Snappy.maxCompressedLength(6),
        "openssl": jvm.io.netty.handler.ssl.OpenSsl.isAvailable(),
        "epoll": jvm.io.netty.channel.epoll.Epoll.isAvailable(),
        "leveldb": jvm.org.fusesource.leveldbjni.JniDBFactory.VERSION,
        "crypto": jvm.org.apache.commons.crypto.Crypto.isNativeCodeLoaded(),
    }


TOUCHES: tuple[Callable[[SparkSession], object], ...] = (
    joins, windows, formats, table, rdd, udf, estimator, stream, natives,
)  # fmt: skip

if __name__ == "__main__":
    session = SparkSession.builder.getOrCreate()
    for touch in TOUCHES:
        print(json.dumps({touch.__name__: touch(session)}), flush=True)
    session.stop()
