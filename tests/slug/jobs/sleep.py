"""Keeps an executor for as long as somebody looks at it."""

import time

from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate().sparkContext.parallelize(range(2), 2).foreach(lambda _: time.sleep(600))
