"""What test_lines.py submits: words counted in RDDs, as the example does it, and a function of ours in SQL."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import word_count


def backwards(text: str) -> str:
    return text[::-1]


spark = SparkSession.builder.appName("words and a function").getOrCreate()
spark.sparkContext.addPyFile(word_count.__file__)
hosts = spark.sparkContext.accumulator(set(), word_count.HostNames())
counts = word_count.count_words(word_count.read_lines(spark.sparkContext, None), hosts)
words = spark.createDataFrame(counts.filter(lambda pair: pair[1] > 4000), ["word", "count"])
turned = words.select(udf(backwards)(col("word")).alias("word"), "count").collect()
print("found words", sorted((row["word"], row["count"]) for row in turned))
print("found hosts", sorted(hosts.value))
