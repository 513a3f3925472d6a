package org.apache.spark.sparkspace

import java.io.InputStream
import java.util.concurrent.TimeoutException

import scala.concurrent.Await
import scala.concurrent.duration._

import org.apache.spark.{FutureAction, SparkContext, SparkEnv}
import org.apache.spark.executor.ExecutorClassLoader

/** Asks executors what they would load. */
private[sparkspace] object Probe {
  private val Patience = 20.seconds
  private val Most = 100

  /** What an executor answers: path → checksum, for each path that has another one than it was asked for. */
  final case class Answer(executor: String, wrong: Map[String, String])

  /** A question that executors are answering. */
  final class Asked(executors: Set[String], wanted: Map[String, String], version: String, job: Option[FutureAction[Seq[Answer]]]) {
    def cancel(): Unit = job.foreach(_.cancel())

    /** Wait for what they say.
      *
      * @return a sentence when an executor was too busy to answer
      * @throws HotDeployError an executor would run something else; it names both
      */
    def verified(): Option[String] = {
      val answers = job.fold(Seq.empty[Answer])(asked => try Await.result(asked, Patience) catch { case _: TimeoutException => asked.cancel(); Nil })
      answers.filter(_.wrong.nonEmpty).foreach(refuse(_, wanted, version))
      val silent = executors -- answers.map(_.executor)
      if (silent.isEmpty) None else Some(s"busy, and not asked: executor ${silent.toSeq.sorted.mkString(", ")}")
    }
  }

  /** Have class files, as every executor would load them now, compared with what they should be. */
  def ask(sc: SparkContext, wanted: Map[String, String], version: String): Asked = {
    val executors = if (wanted.isEmpty) Nil else sc.env.blockManager.master.getMemoryStatus.keys.filter(id => !id.isDriver || sc.isLocal).toSeq
    val places = executors.map(id => (id.executorId, Seq(s"executor_${id.host}_${id.executorId}")))
    val job = if (places.isEmpty) None else Some(described(sc, s"hot deploy: executors show what they have of version $version") {
      sc.makeRDD(places).map(new Ask(wanted.take(Most))).collectAsync()
    })
    new Asked(executors.map(_.executorId).toSet, wanted, version, job)
  }

  private def refuse(answer: Answer, wanted: Map[String, String], version: String): Unit = {
    val (path, found) = answer.wrong.head
    throw new HotDeployError(
      s"Executor ${answer.executor} does not run version $version: its $path is $found, and the version's is ${short(wanted(path))}. " +
      "The version before stays. If a jar of --jars has the class too, start the shell with --conf spark.executor.userClassPathFirst=true. To go on with the version before: sc.hotdeploy(\"off\").")
  }

  def short(sha: String): String = sha.take(12)

  private def described[T](sc: SparkContext, words: String)(body: => T): T = {
    val keys = Seq("spark.job.description", "spark.jobGroup.id")
    val before = keys.map(sc.getLocalProperty)
    sc.setLocalProperty(keys.head, words)
    sc.setLocalProperty(keys(1), null)
    try body finally keys.zip(before).foreach { case (key, value) => sc.setLocalProperty(key, value) }
  }

  private final class Ask(wanted: Map[String, String]) extends (String => Answer) with Serializable {
    override def apply(asked: String): Answer = {
      val loader = Thread.currentThread.getContextClassLoader
      val wrong = wanted.flatMap { case (path, sha) =>
        val found = Option(bytes(loader, path))
        if (found.contains(sha)) None else Some(path -> found.map(short).getOrElse("not there"))
      }
      Answer(SparkEnv.get.executorId, wrong)
    }

    private def bytes(loader: ClassLoader, path: String): String =
      try read(loader.getResourceAsStream(path))
      catch {
        // With userClassPathFirst, Spark's own answers for a class of its parent with a stream that can't be read.
        case _: Exception if loader.isInstanceOf[ExecutorClassLoader] =>
          read(loader.asInstanceOf[ExecutorClassLoader].parentLoader.getResourceAsStream(path))
      }

    private def read(in: InputStream): String =
      if (in == null) null else try Classes.sha256(in.readAllBytes()) finally in.close()
  }
}
