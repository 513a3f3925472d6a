"""An application with something on every page of its UI. It says so, and goes on until it is stopped."""

import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.appName("busy <i>& more</i>").getOrCreate()
spark.range(1000).repartition(2).cache().count()
spark.sql("SELECT id % 3 AS third, count(*) FROM range(100) GROUP BY 1").collect()
spark.sparkContext.parallelize(range(10), 2).map(lambda x: x + 1).sum()
stream = spark.readStream.format("rate").load().writeStream.format("noop").trigger(processingTime="1 hour").start()
while not stream.recentProgress:
    time.sleep(0.5)
print("busy", flush=True)
time.sleep(3600)
