package org.apache.spark.sparkspace

import java.io.File
import java.nio.file.{Files, Path, Paths}

import scala.reflect.internal.util.AbstractFileClassLoader
import scala.reflect.io.AbstractFile
import scala.tools.nsc.interpreter.{IMain, ProjectSymbols}
import scala.tools.nsc.util.ClassPath
import scala.util.control.NonFatal

import org.apache.spark.{JobArtifactState, SparkContext, SparkFiles}
import org.apache.spark.util.Utils

/** Classes of a project, exchanged in a shell that runs: for its next line, and for executors.
  *
  * `sc.hotdeploy` gives it, having deployed what is new.
  */
final class HotDeploy private[sparkspace] (sc: SparkContext, interpreter: IMain, named: Option[String]) {
  @volatile private var auto = true // the directory is looked at before each line

  private val folder = Utils.createTempDir(namePrefix = "hotdeploy").toPath
  private val parent = interpreter.classLoader.getParent
  private val deployed = new Versions(folder, parent)
  private val results = collection.concurrent.TrieMap.empty[String, ClassLoader] // by uuid
  private var dirs: Option[String] = named
  private var seen = Classes.none // what the directory held when it was last looked at
  private var current: Option[Version] = None
  private var asked: Option[(Version, Probe.Asked)] = None
  private var base: ClassPath = _
  private var lines: Path = _
  private var session = 0
  private val earlier = new Earlier(interpreter, folders)
  private var failure: Option[Any] = None // of the line before
  private var isStale = false // earlier lines are to be looked at

  /** Deploy another directory, or go back to a version: by its number, or by the start of its checksum. Or look before
    * each line no more (`off`), or again (`on`): also where nothing can be deployed.
    */
  private[sparkspace] def to(what: String): HotDeploy = {
    if (what == "on" || what == "off") auto = what == "on"
    else deployed.find(what) match {
      case Some(version) => switch(version)
      case None if what.split(File.pathSeparatorChar).forall(each => Files.isDirectory(Paths.get(each))) =>
        dirs = Some(what)
        deploy()
      case None =>
        throw new HotDeployError(s"$what is neither a directory nor a version. There are: ${deployed.all.mkString(", ")}. Forgotten are all but the last 10.")
    }
    this
  }

  /** Go back to the version that was deployed before this one. */
  def rollback: HotDeploy = {
    val before = deployed.all.takeWhile(version => !current.contains(version)).lastOption.getOrElse(
      throw new HotDeployError(s"There is no version before ${current.fold("the first")(_.toString)}."))
    switch(before)
    this
  }

  /** The versions that can be gone back to, from the oldest; `number (checksum, …)`. */
  def versions: Seq[String] = deployed.all.map(_.toString)

  override def toString: String = current.fold("nothing is deployed")(version => s"version $version of ${places.mkString(":")}")

  private def places: Seq[Path] = Versions.classDirs(dirs)

  private[sparkspace] def changed: Boolean = {
    val now = Classes.look(places)
    now.size != seen.files.size || now.exists { case (path, (_, stamp)) => !seen.files.get(path).exists(_.stamp == stamp) }
  }

  /** Deploy what the directory holds, if that is not what it held when last looked at. */
  private[sparkspace] def deploy(): Unit = synchronized {
    val found = Classes.read(places, seen)(read => if (isNew(read)) begun(of(read)))
    if (isNew(found)) switch(of(found))
    seen = found
  }

  private def isNew(found: Classes): Boolean =
    found.units.nonEmpty && found.digest != seen.digest && !current.exists(_.classes.digest == found.digest)

  private[sparkspace] def isEmpty: Boolean = current.isEmpty && !places.exists(Files.isDirectory(_))

  /** The version that executors were asked about is the one that they have. */
  private def of(classes: Classes): Version = asked.map(_._1).filter(_.classes.digest == classes.digest).getOrElse(deployed.of(classes))

  private def switch(version: Version): Unit = if (!current.contains(version)) {
    val start = System.nanoTime
    val units = changed(version)
    val busy = try begun(version).verified() catch { case error: Throwable => forgetAsked(); throw error }
    asked = None
    deployed.keep(version)
    activate(version)
    exchangeSymbols(version, units)
    current = Some(version)
    isStale = true
    deployed.prune(version).foreach(drop)
    val names = units.toSeq.sorted.map(_.replace('/', '.'))
    val list = if (names.size > 5) names.take(4).mkString(", ") + s" and ${names.size - 4} more" else names.mkString(", ")
    Console.err.println(s"Hot deploy: version $version in ${(System.nanoTime - start) / 1000000} ms; other than before: $list${busy.fold("")("; " + _)}")
  }

  private def changed(version: Version): Set[String] = version.classes.changed(current.fold(Classes.none)(_.classes))

  /** What executors say of a version. They are asked once, as early as can be: to load it takes them longest. */
  private def begun(version: Version): Probe.Asked = asked.filter(_._1 eq version).map(_._2).getOrElse {
    forgetAsked()
    if (lines == null) begin()
    val paths = changed(version).toSeq.flatMap(version.classes.units.getOrElse(_, Nil))
    val some = if (paths.isEmpty) version.classes.units.values.flatten.take(1) else paths
    val wanted = some.map(path => path -> version.classes.files(path).sha).toMap
    val asking = State.within(state(version))(Probe.ask(sc, wanted, version.number.toString))
    asked = Some(version -> asking)
    asking
  }

  /** The files were others a moment later, or executors refused them: nothing of it stays. */
  private def forgetAsked(): Unit = {
    for ((version, asking) <- asked) {
      asking.cancel()
      if (!deployed.isKept(version)) {
        drop(version)
        version.jar.delete()
      }
    }
    asked = None
  }

  private def exchangeSymbols(version: Version, units: Set[String]): Unit = {
    val files = version.classes.files.filter(_._1.endsWith(".class")).map { case (path, entry) => path -> entry.bytes }
    ProjectSymbols.exchange(interpreter.global, base, files, units, Classes.unit)
  }

  /** What the first version needs. From then on lines compile into a folder of ours: what the stock one holds, executors
    * load without the project.
    */
  private def begin(): Unit = {
    State.installed
    base = ProjectSymbols.classPath(interpreter.global)
    Loaders.readResults(sc, uuid => uuid.flatMap(results.get).getOrElse(interpreter.classLoader))
    newLines()
  }

  private def newLines(): Unit = {
    session += 1
    lines = Files.createDirectory(folder.resolve(s"lines-$session"))
    sc.env.rpcEnv.fileServer.addDirectory(s"/${lines.getFileName}", lines.toFile)
  }

  private def uuid(version: Version): String = s"${State.Prefix}$session-${version.id}"

  private def state(version: Version): JobArtifactState = {
    Artifacts.prepare(sc, uuid(version), version.jar)
    JobArtifactState(uuid(version), Some(s"${sc.env.rpcEnv.address.toSparkURL}/${lines.getFileName}"))
  }

  private def activate(version: Version): Unit = {
    State.current = Some(state(version))
    interpreter.global.settings.outputDirs.setSingleOutput(AbstractFile.getDirectory(lines.toFile))
    val fresh = new LinesLoader(AbstractFile.getDirectory(lines.toFile), version.loader, last, lastLine)
    val old = interpreter.classLoader
    HotDeploy.setClassLoader(interpreter, fresh)
    Loaders.exchange(loader => (loader eq old) || loader.isInstanceOf[LinesLoader] || (loader eq parent), fresh)
    earlier.begin(lastLine + 1, version.classes)
    results(uuid(version)) = fresh
    Loaders.forget(sc.env, fresh)
  }

  /** The loader of the lines so far. One in which no line ran is left out. */
  private def last: ClassLoader = interpreter.classLoader match {
    case loader: LinesLoader if loader.last == lastLine => loader.before
    case loader => loader
  }

  private def lastLine: Int = (0 +: folders.flatMap(dir => Option(dir.list()).toSeq.flatten).flatMap(LinesLoader.number(_))).max

  private def folders: Seq[File] = Seq(lines, interpreter.replOutput.dir.file.toPath).filter(_ != null).map(_.toFile)

  /** Before a line: deploy what is new, and bring earlier lines up to date. */
  private[sparkspace] def before(line: String): Unit = {
    if (auto && changed) deploy()
    if (isStale) {
      isStale = false
      current.foreach(version => earlier.refresh(version.classes))
    }
    earlier.warn(line)
    failure = lastException
  }

  /** After it: say more, if it failed for what was deployed. */
  private[sparkspace] def after(line: String): Unit =
    if (interpreter.reporter.hasErrors || (lastException.isDefined && lastException != failure)) earlier.explain(line)

  private def lastException: Option[Any] =
    if (interpreter.definedTerms.exists(_.toString == "lastException")) interpreter.valueOfTerm("lastException") else None

  private def drop(gone: Version): Unit = {
    results.remove(uuid(gone))
    Artifacts.drop(sc, uuid(gone), gone.jar)
  }

  /** `:reset` forgets all lines, and counts them from 1 again: executors must not take new ones for old ones. */
  private[sparkspace] def reset(body: => Unit): Unit = if (lines == null) body else {
    ProjectSymbols.restore(interpreter.global, base)
    interpreter.global.settings.outputDirs.setSingleOutput(interpreter.replOutput.dir) // as the lines that it runs expect
    body
    earlier.forget()
    newLines()
    current.foreach { version =>
      activate(version)
      exchangeSymbols(version, version.classes.units.keySet)
    }
  }
}

private[sparkspace] object HotDeploy {
  /** IMain makes its loader once, and a mirror of it, and keeps them in fields: of Scala 2.13, or of 2.12. */
  private def setClassLoader(interpreter: IMain, fresh: AbstractFileClassLoader): Unit = {
    val fields = Seq[(String, () => Any)](
      "_classLoader" -> (() => fresh),
      "_runtimeMirror" -> (() => null),
      "runtimeMirror" -> (() => scala.reflect.runtime.universe.runtimeMirror(fresh)))
    for ((name, value) <- fields; field <- classOf[IMain].getDeclaredFields.find(_.getName == name)) {
      field.setAccessible(true)
      field.set(interpreter, value())
    }
    if (interpreter.classLoader ne fresh) {
      throw new HotDeployError("The shell of this version of Spark keeps its class loader in another way; it has no hot deploy.")
    }
    Thread.currentThread.setContextClassLoader(fresh)
  }
}

/** What executors fetch before a task of a version. */
private[sparkspace] object Artifacts {
  private val Default = "default"

  /** A version has its own jar, and all that the application was given: Spark sends a state's artifacts and no others. */
  def prepare(sc: SparkContext, uuid: String, jar: File): Unit = {
    val url = sc.env.rpcEnv.fileServer.addJar(jar)
    // Those of --jars an executor has from its start, in the loader above; beside ours they could come before it.
    val known = sc.conf.get("spark.app.initial.jar.urls", "").split(",").toSet
    val others = (sc.addedJars.get(Default) ++ State.current.flatMap(state => sc.addedJars.get(state.uuid))).flatten
      .filterNot { case (url, _) => url.contains("/classes-") && url.endsWith(".jar") || known(url) }
    val jars = new collection.concurrent.TrieMap[String, Long]
    jars ++= others
    // Executors fetch it again when this is later than what they have.
    jars(url) = sc.addedJars.get(uuid).flatMap(_.get(url)).getOrElse(System.currentTimeMillis)
    sc.addedJars(uuid) = jars
    for (added <- Seq(sc.addedFiles, sc.addedArchives)) {
      added(uuid) = added.getOrElseUpdate(Default, new collection.concurrent.TrieMap[String, Long]) // one map for all: also what comes later
    }
    // A driver looks for a state's files below a folder of the state's name.
    val root = Paths.get(SparkFiles.getRootDirectory())
    if (!Files.exists(root.resolve(uuid))) Files.createSymbolicLink(root.resolve(uuid), Paths.get("."))
  }

  def drop(sc: SparkContext, uuid: String, jar: File): Unit = {
    Seq(sc.addedJars, sc.addedFiles, sc.addedArchives).foreach(_.remove(uuid))
    Files.deleteIfExists(Paths.get(SparkFiles.getRootDirectory()).resolve(uuid))
  }
}
