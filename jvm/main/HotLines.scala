package org.apache.spark.repl // for members that are private[repl]

import scala.tools.nsc.interpreter.IMain

import org.apache.spark.sparkspace.Shell

/** What makes Spark's loop look for new classes before each line. */
trait HotLines extends SparkILoop {
  override def processLine(line: String): Boolean =
    Shell.around(line, intp.asInstanceOf[IMain], Main.sparkContext)(super.processLine(line))

  override def initializeSpark(): Unit = {
    super.initializeSpark()
    savingReplayStack(intp.quietRun(Shell.Import))
  }

  override def resetCommand(line: String): Unit = Shell.reset(super.resetCommand(line))
}
