package org.apache.spark.repl

/** Spark's loop with hot deploy; this Spark reads the flags elsewhere. */
object HotLoop {
  def apply(args: Array[String]): SparkILoop = new SparkILoop with HotLines with Prelude
}
