package org.apache.spark.repl // for members that are private[repl]

import java.util.concurrent.{ExecutionException, FutureTask}

import org.apache.spark.internal.Logging
import org.apache.spark.sql.SparkSession

/** The application of a shell, which begins while the compiler does: each takes seconds, and has use for a core. */
final class EarlySession extends Logging {
  private val task = new FutureTask[SparkSession](() => Main.createSparkSession())

  def begin(): Unit = {
    val thread = new Thread(task, "spark-session")
    thread.setDaemon(true) // a shell that is left early does not wait for it
    thread.start()
  }

  /** Wait until it is there, for this thread as if it had been made by it. Without it there is no shell, as in Spark's own. */
  def ready(): Unit =
    try {
      task.run() // unless it has begun
      SparkSession.setActiveSession(task.get())
    } catch {
      case failed: ExecutionException =>
        logError("Failed to initialize Spark session.", failed.getCause)
        sys.exit(1)
    }
}
