package org.apache.spark.sparkspace

import java.io.File
import java.nio.file.Files

import scala.collection.mutable
import scala.tools.nsc.interpreter.{IMain, Results}

/** What earlier lines of the shell still hold of classes that were exchanged since.
  *
  * A line that only defines methods, or registers a function, is run again: all it does is that they call the new code.
  * Nothing else is.
  *
  * @param folders where the lines' class files are
  */
private[sparkspace] final class Earlier(interpreter: IMain, folders: => Seq[File]) {
  private val words = mutable.Map.empty[Int, Set[String]] // by line
  private val kinds = mutable.Map.empty[(Int, String), Earlier.Kind] // by line and name
  private var eras = List.empty[(Int, Map[String, String])] // from which line on; unit → code. The latest first
  private var code = Map.empty[String, String] // name → class: functions, classes, objects that run old code
  private var values = Map.empty[String, String] // name → class: objects of an old class
  private val said = mutable.Set.empty[String]

  def begin(from: Int, classes: Classes): Unit = eras = (from, classes.deep) :: eras.filter(_._1 < from)

  def forget(): Unit = {
    words.clear()
    kinds.clear()
    eras = Nil
  }

  /** Bring methods of earlier lines up to date, and note what can't be. */
  def refresh(now: Classes): Unit = {
    code = Map.empty
    values = Map.empty
    said.clear()
    val latest = interpreter.prevRequestList.flatMap(request => request.termNames.map(name => name.toString -> request)).toMap
    val renewed = mutable.Set.empty[String]
    for (request <- interpreter.prevRequestList.filter(request => latest.values.exists(_ eq request))) {
      val (names, shadowed) = request.termNames.map(_.toString).partition(latest(_) eq request)
      val older = mentioned(request.lineRep.lineId, now)
      val through = request.referencedNames.map(_.toString).find(name => renewed(name) || code.contains(name))
      val repeats = Earlier.isRegistration(request.line) && request.handlers.size == 1
      val methods = request.handlers.forall(handler => Earlier.isMethod(handler.getClass) || Earlier.isImport(handler.getClass))
      if ((methods || repeats) && shadowed.isEmpty && (older.nonEmpty || through.nonEmpty)) {
        if (interpreter.quietRun(request.line) == Results.Success) renewed ++= names
        else {
          Console.err.println(s"Hot deploy: ${names.mkString(", ")} does not compile with the new classes, and runs the old ones.")
          names.foreach(name => code += name -> older.headOption.orElse(through).get)
        }
      } else older.foreach { unit =>
        names.foreach(note(request.lineRep.lineId, _, unit, now))
        Earlier.functions(request.line).foreach(name => code += name -> unit)
      }
    }
  }

  private def note(line: Int, name: String, unit: String, now: Classes): Unit = {
    val is = kinds.getOrElseUpdate((line, name), kind(name))
    if (is.isCode) code += name -> unit
    else if (era(line).get(is.unit) != now.deep.get(is.unit)) values += name -> is.unit
  }

  private def kind(name: String): Earlier.Kind = {
    val is = interpreter.typeOfTerm(name).finalResultType.typeSymbol
    val isCode = is.fullName.startsWith("scala.Function") || is.isModuleClass || is.fullName.startsWith("$line")
    Earlier.Kind(isCode, Classes.unit(is.fullName.replace('.', '/')))
  }

  /** What the project had when a line ran. Before the first deploy nothing: its classes came from `--jars`. */
  private def era(line: Int): Map[String, String] = eras.find(_._1 <= line).fold(Map.empty[String, String])(_._2)

  /** A class that the line's code mentions, and that is another now. */
  private def mentioned(line: Int, now: Classes): Option[String] = {
    val before = era(line)
    words.getOrElseUpdate(line, read(line)).find(unit => before.get(unit) != now.deep.get(unit))
  }

  private def read(line: Int): Set[String] = {
    val files = folders.map(new File(_, s"$$line$line")).flatMap(folder => Option(folder.listFiles()).toSeq.flatten)
    val all = files.filter(_.getName.endsWith(".class")).flatMap(file => Classes.words(Files.readAllBytes(file.toPath)))
    all.filterNot(word => Earlier.Foreign.exists(word.startsWith)).map(Classes.unit).toSet
  }

  /** Say it when a line uses a function, class or object of an earlier line that runs old code. */
  def warn(line: String): Unit = for (name <- Earlier.names(line) if code.contains(name) && said.add(name)) {
    Console.err.println(s"Hot deploy: $name is of an earlier line, and on the driver runs ${Earlier.dotted(code(name))} as it was then. Define it again.")
  }

  /** Say why a line failed, if it used an object of a class that was exchanged. */
  def explain(line: String): Unit = for (name <- Earlier.names(line) if values.contains(name)) {
    Console.err.println(s"Hot deploy: $name is of an earlier line, and an object of ${Earlier.dotted(values(name))} as it was then; now there is another. " +
      "Make it again, or go back: sc.hotdeploy.versions, sc.hotdeploy(\"number\")")
  }
}

private[sparkspace] object Earlier {
  val Foreign = Seq("scala/", "java/", "org/apache/spark/", "$line")

  /** Of a value: whether it is a function, class or object of the shell; else what class it is of. */
  final case class Kind(isCode: Boolean, unit: String)

  private val Registration = "(?s)\\s*(val res\\d+\\s*=\\s*)?spark\\.udf\\.register(Java)?\\(.*"

  /** A line that is nothing but `spark.udf.register(…)` can be run again like the definition of a method. */
  def isRegistration(line: String): Boolean = line.matches(Registration)

  /** The names in SQL of the functions that a line registers. */
  def functions(line: String): Seq[String] =
    "\\.register(?:Java)?\\(\\s*\"(\\w+)\"".r.findAllMatchIn(line).map(_.group(1)).toSeq

  def dotted(unit: String): String = unit.replace('/', '.')
  def names(line: String): Seq[String] = "[\\w$]+".r.findAllIn(line).toSeq.distinct
  def isMethod(handler: Class[_]): Boolean = handler.getName.endsWith("$DefHandler")
  def isImport(handler: Class[_]): Boolean = handler.getName.endsWith("$ImportHandler")
}
