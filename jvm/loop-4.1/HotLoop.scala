package org.apache.spark.repl

import scala.tools.nsc.GenericRunnerSettings

/** Spark's loop with hot deploy, and with the flags of the shell, `-i` among them, as Spark's own main method reads them. */
object HotLoop {
  def apply(args: Array[String]): SparkILoop = {
    val settings = new GenericRunnerSettings(message => Console.err.println(message))
    settings.processArguments(args.toList, processAll = true)
    new SparkILoop(settings) with HotLines with Prelude
  }
}
