package org.apache.spark.repl

import scala.tools.nsc.{GenericRunnerSettings, Settings}
import scala.tools.nsc.interpreter.IMain

import org.apache.spark.sparkspace.Shell

/** Spark's loop, which looks for new classes before each line. */
class HotLoop(settings: Settings) extends SparkILoop(settings) {
  override def processLine(line: String): Boolean =
    Shell.around(line, intp.asInstanceOf[IMain], Main.sparkContext)(super.processLine(line))

  override protected def internalReplAutorunCode(): Seq[String] = super.internalReplAutorunCode() :+ Shell.Import

  override def initializeSpark(): Unit = {
    super.initializeSpark()
    savingReplayStack(intp.quietRun(Shell.Import))
  }

  override def resetCommand(line: String): Unit = Shell.reset(super.resetCommand(line))
}

object HotLoop {
  /** With the flags of the shell, `-i` among them, as Spark's own main method reads them. */
  def apply(args: Array[String]): HotLoop = {
    val settings = new GenericRunnerSettings(message => Console.err.println(message))
    settings.processArguments(args.toList, processAll = true)
    new HotLoop(settings)
  }
}
