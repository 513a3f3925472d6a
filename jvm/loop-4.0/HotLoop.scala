package org.apache.spark.repl

import org.apache.spark.sparkspace.Shell

/** Spark's loop with hot deploy; this Spark reads the flags elsewhere. */
object HotLoop {
  def apply(args: Array[String]): SparkILoop = new SparkILoop with HotLines {
    override protected def internalReplAutorunCode(): Seq[String] = super.internalReplAutorunCode() :+ Shell.Import
  }
}
