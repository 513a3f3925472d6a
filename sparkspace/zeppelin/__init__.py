"""Apache Zeppelin: which Spark it runs on, what its Spark interpreter is told, and its REST API."""
