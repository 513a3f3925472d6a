package org.apache.spark.sparkspace

import scala.tools.nsc.interpreter.IMain
import scala.util.control.NonFatal

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.sql.SparkSession

/** The shell's side of hot deploy. */
object Shell {
  val Import = "import org.apache.spark.sparkspace.Shell._"
  private var deploy: Option[HotDeploy] = None

  implicit class HotContext(private val sc: SparkContext) extends AnyVal {
    /** Deploy what is new in the class directory: the next line, and executors, use it. */
    def hotdeploy: HotDeploy = Shell.now()
    /** Deploy another directory, or go back to a version. */
    def hotdeploy(what: String): HotDeploy = Shell.get.to(what)
  }

  implicit class HotSession(private val spark: SparkSession) extends AnyVal {
    def hotdeploy: HotDeploy = Shell.now()
    def hotdeploy(what: String): HotDeploy = Shell.get.to(what)
  }

  private def get: HotDeploy = deploy.getOrElse(throw new HotDeployError("Hot deploy is for the lines of bin/spark-shell."))

  private def now(): HotDeploy = {
    if (get.isEmpty) throw new HotDeployError(
      "There is no target/classes, target/scala-*/classes or build/classes here. Compile first, or name another: sc.hotdeploy(\"dir\"), or SPARKSPACE_CLASS_DIR")
    get.deploy()
    get
  }

  /** What has to be known before the application starts. */
  private[spark] def prepare(conf: SparkConf): Unit = {
    State.installed
    conf.setIfMissing("spark.executor.isolatedSessionCache.size", "8") // an executor's class loaders, each with its classes
    conf.setIfMissing("spark.files.useFetchCache", "false") // else a worker keeps each version's jar twice, one of them for good
    if (!conf.contains("spark.executor.userClassPathFirst") && Jars.overlap(conf)) {
      conf.set("spark.executor.userClassPathFirst", "true")
      Console.err.println("Hot deploy: a jar of --jars has classes of the class directory too, so spark.executor.userClassPathFirst=true")
    }
  }

  /** Run a line, after what is new was deployed; not at all if that failed.
    *
    * Nothing of ours may be thrown here: the loop would take it for a crash of the compiler, and run all lines again.
    */
  private[spark] def around(line: String, interpreter: => IMain, sc: => SparkContext)(run: => Boolean): Boolean = {
    val isReady = tried(" The line was not run.") {
      if (deploy.isEmpty && sc != null) deploy = Some(new HotDeploy(sc, interpreter, sys.env.get("SPARKSPACE_CLASS_DIR")))
      deploy.foreach(_.before(line))
    }
    if (!isReady && !line.contains("hotdeploy")) return true // by that one it is turned off, or pointed elsewhere
    val goesOn = run
    tried("")(deploy.foreach(_.after(line)))
    goesOn
  }

  private def tried(consequence: String)(body: => Unit): Boolean =
    try {
      body
      true
    } catch {
      case error: HotDeployError =>
        Console.err.println(s"Hot deploy: ${error.getMessage}$consequence")
        false
      case NonFatal(error) =>
        Console.err.println(s"Hot deploy: it failed, which it should not.$consequence To go on without: " + "sc.hotdeploy(\"off\")")
        error.printStackTrace()
        false
    }

  private[spark] def reset(body: => Unit): Unit = deploy.fold(body)(_.reset(body))
}

private[sparkspace] object Jars {
  /** Whether a jar that executors get has a class of the class directory. */
  def overlap(conf: SparkConf): Boolean = {
    val ours = Classes.look(Versions.classDirs(sys.env.get("SPARKSPACE_CLASS_DIR"))).keySet.filter(_.endsWith(".class"))
    val jars = conf.get("spark.jars", "").split(",").map(_.stripPrefix("file://").stripPrefix("file:")).filter(_.endsWith(".jar"))
    ours.nonEmpty && jars.map(new java.io.File(_)).filter(_.isFile).exists { file =>
      val jar = new java.util.jar.JarFile(file)
      try ours.exists(jar.getEntry(_) != null) finally jar.close()
    }
  }
}
