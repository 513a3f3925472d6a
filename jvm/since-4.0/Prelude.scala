package org.apache.spark.repl

import org.apache.spark.sparkspace.Shell

/** What a shell does before its first prompt: the same as Spark's own, sooner. */
trait Prelude extends SparkILoop {
  private val session = new EarlySession

  override def printWelcome(): Unit = {
    super.printWelcome()
    session.begin()
  }

  /** All imports are compiled as one line: each line takes a third of a second, and the next one longer. */
  override protected def internalReplAutorunCode(): Seq[String] = {
    session.ready()
    val (imports, values) = super.internalReplAutorunCode().partition(_.startsWith("import "))
    values :+ (imports :+ Shell.Import).mkString("\n")
  }
}
