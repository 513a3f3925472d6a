package org.apache.spark.sparkspace

import java.io.File
import java.nio.file.{Files, Path, Paths, StandardCopyOption}
import java.util.zip.{CRC32, ZipEntry, ZipOutputStream}

import scala.collection.mutable

/** A version of the project's classes, that was deployed once. */
private[sparkspace] final class Version(val number: Int, val classes: Classes, val jar: File, val loader: ProjectLoader) {
  def id: String = Probe.short(classes.digest)
  override def toString: String = s"$number ($id, ${classes.units.size} classes)"
}

/** The versions that can be gone back to. */
private[sparkspace] final class Versions(folder: Path, parent: ClassLoader) {
  private val Kept = 10
  private val known = mutable.LinkedHashMap.empty[String, Version] // by digest
  private var latest = 0

  def all: List[Version] = known.values.toList

  def find(name: String): Option[Version] =
    all.find(_.number.toString == name).orElse(all.find(version => name.length >= 4 && version.classes.digest.startsWith(name)))

  /** The version of this content: the one that there is, or a new one, with its jar, which is not kept yet. */
  def of(classes: Classes): Version = known.getOrElse(classes.digest, {
    val elsewhere = classes.deep.flatMap { case (unit, code) =>
      all.reverseIterator.find(_.classes.deep.get(unit).contains(code)).map(unit -> _.loader.owner(unit))
    }
    val jar = Versions.pack(folder, classes)
    new Version(latest + 1, classes, jar, new ProjectLoader(classes, elsewhere, Some(jar.toURI.toURL), parent))
  })

  /** It is deployed: from here on it can be gone back to. */
  def keep(version: Version): Unit = if (known.put(version.classes.digest, version).isEmpty) latest = version.number

  def isKept(version: Version): Boolean = known.contains(version.classes.digest)

  /** Forget the oldest. Executors that are late can no longer fetch them.
    *
    * @return those that are gone
    */
  def prune(current: Version): Seq[Version] = {
    val gone = all.filter(_ ne current).dropRight(Kept - 1)
    gone.foreach { version =>
      known.remove(version.classes.digest)
      version.jar.delete()
    }
    gone
  }
}

private[sparkspace] object Versions {
  /** Write a version's files as one jar, named by their content; the same files give the same bytes. */
  def pack(folder: Path, classes: Classes): File = {
    val jar = folder.resolve(s"classes-${classes.digest}.jar")
    val fresh = Files.createTempFile(folder, "fresh", ".jar")
    val out = new ZipOutputStream(Files.newOutputStream(fresh))
    try {
      out.setLevel(1)
      classes.files.toSeq.sortBy(_._1).foreach { case (path, entry) =>
        val named = new ZipEntry(path)
        named.setTime(315532800000L) // 1980: no zip is older
        out.putNextEntry(named)
        out.write(entry.bytes)
        out.closeEntry()
      }
    } finally out.close()
    Files.move(fresh, jar, StandardCopyOption.ATOMIC_MOVE)
    jar.toFile
  }

  /** Where build tools put classes: the operator's word, else what is there of Maven's, sbt's and Gradle's. */
  def classDirs(named: Option[String]): Seq[Path] = named.filter(_.nonEmpty) match {
    case Some(words) => words.split(File.pathSeparatorChar).filter(_.nonEmpty).map(Paths.get(_)).toSeq
    case None =>
      val gradle = Seq("build/classes/scala/main", "build/classes/java/main")
      Seq(Seq("target/classes"), Seq("target/scala-2.13/classes"), sbt.toSeq, gradle)
        .map(_.map(Paths.get(_)).filter(Files.isDirectory(_))).find(_.nonEmpty).getOrElse(Nil)
  }

  private def sbt: Option[String] = {
    val folders = Option(new File("target").listFiles()).toSeq.flatten.filter(_.getName.startsWith("scala-"))
    folders.map(new File(_, "classes")).filter(_.isDirectory).sortBy(-_.lastModified).headOption.map(_.getPath)
  }
}
