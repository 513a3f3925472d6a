package org.apache.spark.repl // for members that are private[repl]

import org.apache.spark.sparkspace.Shell

/** Spark's own shell, with hot deploy: what `bin/spark-shell` starts. */
object HotShell {
  def main(args: Array[String]): Unit = {
    Shell.prepare(Main.conf)
    Main.doMain(args, HotLoop(args))
  }
}
