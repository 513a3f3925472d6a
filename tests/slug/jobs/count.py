"""Counts words in a bucket, and turns them round with a function of its own."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.appName("words").getOrCreate()
context = spark.sparkContext
context.parallelize(["a rose is a rose is a rose"], 1).saveAsTextFile("s3a://the-bucket/words")
words = context.textFile("s3a://the-bucket/words").flatMap(str.split)
counts = words.map(lambda word: (word, 1)).reduceByKey(int.__add__).toDF(["word", "count"])
turned = counts.select(udf(lambda word: word[::-1])("word").alias("word"), "count").collect()
print("counted", sorted((row["word"], row["count"]) for row in turned))
print("python", sys.executable, context.parallelize([0], 1).map(lambda _: sys.executable).first())
