"""Code that runs in a Spark driver. The only room that imports pyspark."""
