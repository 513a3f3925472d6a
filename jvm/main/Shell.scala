package org.apache.spark.repl // for members that are private[repl]

import scala.tools.nsc.interpreter.IMain

import org.apache.spark.SparkContext
import org.apache.spark.sparkspace.{HotDeploy, HotDeployError, Shell}

/** Spark's own shell, with hot deploy: what `bin/spark-shell` starts. */
object HotShell {
  def main(args: Array[String]): Unit = {
    Shell.prepare(Main.conf)
    Main.doMain(args, HotLoop(args))
  }
}
