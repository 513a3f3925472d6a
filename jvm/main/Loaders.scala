package org.apache.spark.sparkspace

import java.io.ByteArrayInputStream
import java.net.URL

import scala.reflect.internal.util.AbstractFileClassLoader
import scala.reflect.io.AbstractFile

/** The project's classes of one version, before those of the same name in `--jars`.
  *
  * A class whose code, and all code that it reaches, is as it was in an earlier version stays that version's: objects of it
  * go on working, and so do the states of its singletons.
  *
  * @param elsewhere unit → the loader of the version in which it first was as it is now
  * @param jar the same files, for resources that are asked for by their URL
  */
private[sparkspace] final class ProjectLoader(
    val classes: Classes, elsewhere: Map[String, ProjectLoader], jar: Option[URL], parent: ClassLoader) extends ClassLoader(parent) {

  private val own: Map[String, Array[Byte]] = classes.units.filterNot { case (unit, _) => elsewhere.contains(unit) }
    .values.flatten.map(path => path -> classes.files(path).bytes).toMap

  def owner(unit: String): ProjectLoader = elsewhere.getOrElse(unit, this)

  override protected def loadClass(name: String, resolve: Boolean): Class[_] = {
    val path = name.replace('.', '/')
    elsewhere.get(Classes.unit(path)) match {
      case Some(loader) if classes.files.contains(path + ".class") => loader.loadClass(name)
      case _ => own.get(path + ".class").map(define(name, _)).getOrElse(super.loadClass(name, resolve))
    }
  }

  private def define(name: String, bytes: Array[Byte]): Class[_] = getClassLoadingLock(name).synchronized {
    Option(findLoadedClass(name)).getOrElse(defineClass(name, bytes, 0, bytes.length))
  }

  override def getResource(name: String): URL =
    jar.filter(_ => classes.files.contains(name)).map(jar => new URL(s"jar:$jar!/$name")).getOrElse(super.getResource(name))

  override def getResourceAsStream(name: String): java.io.InputStream =
    classes.files.get(name).map(entry => new ByteArrayInputStream(entry.bytes)).getOrElse(super.getResourceAsStream(name))
}

/** What the shell's lines compile to, from a deploy to the next. Lines before it stay with the loader they ran in.
  *
  * @param before the loader of earlier lines
  * @param last the number of the last line that is theirs
  */
private[sparkspace] final class LinesLoader(root: AbstractFile, val project: ProjectLoader, val before: ClassLoader, val last: Int)
    extends AbstractFileClassLoader(root, project) {

  override protected def loadClass(name: String, resolve: Boolean): Class[_] =
    if (LinesLoader.number(name).exists(_ <= last)) before.loadClass(name) else super.loadClass(name, resolve)
}

private[sparkspace] object LinesLoader {
  private val Line = "\\$line(\\d+)(\\..*)?".r

  /** The number of the line that a class, or a folder of classes, was made from. */
  def number(name: String): Option[Int] = name match {
    case Line(digits, _) => Some(digits.toInt)
    case _ => None
  }
}
