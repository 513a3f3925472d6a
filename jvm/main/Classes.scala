package org.apache.spark.sparkspace

import java.io.{ByteArrayInputStream, DataInputStream, IOException}
import java.nio.file._
import java.nio.file.attribute.BasicFileAttributes
import java.security.MessageDigest

import scala.collection.mutable

/** A file of the project: what it looked like on disk, and its bytes, read once. */
private[sparkspace] final class Entry(val stamp: Classes.Stamp, val bytes: Array[Byte]) {
  val sha: String = Classes.sha256(bytes)

  /** Words of the class file's constants: each name of a class that it needs is among them. */
  lazy val words: Set[String] = Classes.words(bytes)
}

/** All that class directories hold, as of one moment.
  *
  * Classes that live and die together (`A`, `A$`, `A$B`) are a ''unit'', named as Java names files: `demo/A`.
  */
private[sparkspace] final class Classes(val files: Map[String, Entry]) {
  lazy val digest: String = {
    val lines = files.toSeq.map { case (path, entry) => s"${entry.sha} $path\n" }.sorted
    Classes.sha256(lines.mkString.getBytes("UTF-8"))
  }

  lazy val units: Map[String, Seq[String]] =
    files.keys.toSeq.filter(_.endsWith(".class")).groupBy(path => Classes.unit(path.stripSuffix(".class")))

  /** Unit → a name for its code and for all code of the project that it can reach. */
  lazy val deep: Map[String, String] = {
    val needs = units.map { case (unit, paths) => unit -> (paths.flatMap(files(_).words).map(Classes.unit).toSet & units.keySet) }
    val own = units.map { case (unit, paths) => unit -> Classes.sha256(paths.sorted.map(files(_).sha).mkString.getBytes) }
    units.keys.map { unit =>
      val reached = Classes.closure(unit, needs)
      unit -> Classes.sha256(reached.toSeq.sorted.map(each => each + own(each)).mkString.getBytes("UTF-8"))
    }.toMap
  }

  /** Units that are not the same in `other`, for their own code or for code that they reach; also those that one lacks. */
  def changed(other: Classes): Set[String] = {
    val differ = (deep.keySet ++ other.deep.keySet).filter(unit => deep.get(unit) != other.deep.get(unit))
    // A package object's members are looked up in the package: all of it is read again.
    val packages = differ.filter(_.split('/').last == "package").map(_.stripSuffix("package"))
    differ ++ (deep.keySet ++ other.deep.keySet).filter(unit => packages.contains(Classes.folder(unit)))
  }
}

private[sparkspace] object Classes {
  final case class Stamp(size: Long, modified: Long, key: Any)

  val none = new Classes(Map.empty)
  private val QuietMs = 60L
  private val PatienceMs = 5000L

  /** Every file below the directories, by its path there; of two of one name the first. Costs a stat each. */
  def look(dirs: Seq[Path]): Map[String, (Path, Stamp)] = {
    val found = mutable.Map.empty[String, (Path, Stamp)]
    for (dir <- dirs.reverse if Files.isDirectory(dir)) {
      Files.walkFileTree(dir, java.util.EnumSet.of(FileVisitOption.FOLLOW_LINKS), 100, new SimpleFileVisitor[Path] {
        override def visitFile(file: Path, is: BasicFileAttributes): FileVisitResult = {
          if (is.isRegularFile) {
            found(dir.relativize(file).toString) = (file, Stamp(is.size, is.lastModifiedTime.to(java.util.concurrent.TimeUnit.NANOSECONDS), is.fileKey))
          }
          FileVisitResult.CONTINUE
        }
        override def visitFileFailed(file: Path, gone: IOException): FileVisitResult = FileVisitResult.CONTINUE
      })
    }
    found.toMap
  }

  /** Read the directories. Files that look as they did in `before` are not read again.
    *
    * @param begin is given what was read first, before it is known that nobody writes there
    * @return what was read last, and nobody has written for a moment
    * @throws HotDeployError something is still being written, or a class file is broken
    */
  def read(dirs: Seq[Path], before: Classes)(begin: Classes => Unit = _ => ()): Classes = {
    val until = System.currentTimeMillis + PatienceMs
    var isFirst = true
    while (System.currentTimeMillis <= until) {
      val seen = look(dirs)
      val taken = take(seen, before)
      if (isFirst) taken.foreach(begin)
      isFirst = false
      val since = System.currentTimeMillis - seen.values.map(_._2.modified / 1000000L).foldLeft(0L)(_ max _)
      if (0 <= since && since <= QuietMs) Thread.sleep(QuietMs + 1 - since)
      if (taken.isDefined && stamps(look(dirs)) == stamps(seen)) return taken.get
      if (taken.isEmpty) Thread.sleep(20)
    }
    throw new HotDeployError(s"${dirs.mkString(":")} is still being written, or has a class file that is cut short; nothing was deployed.")
  }

  private def stamps(seen: Map[String, (Path, Stamp)]) = seen.map { case (path, (_, stamp)) => path -> stamp }

  private def take(seen: Map[String, (Path, Stamp)], before: Classes): Option[Classes] =
    try {
      val files = seen.map { case (path, (file, stamp)) =>
        path -> before.files.get(path).filter(_.stamp == stamp).getOrElse(new Entry(stamp, Files.readAllBytes(file)))
      }
      files.foreach { case (path, entry) => if (path.endsWith(".class")) entry.words }
      Some(new Classes(files))
    } catch { case _: IOException => None }

  def unit(name: String): String = {
    val start = name.lastIndexOf('/') + 1
    val end = name.indexOf('$', start + 1)
    if (end < 0 || name.charAt(start) == '$') name else name.substring(0, end)
  }

  def folder(unit: String): String = unit.substring(0, unit.lastIndexOf('/') + 1)

  private def closure(unit: String, needs: Map[String, Set[String]]): mutable.Set[String] = {
    val reached = mutable.Set(unit)
    val open = mutable.Stack(unit)
    while (open.nonEmpty) needs(open.pop()).foreach(next => if (reached.add(next)) open.push(next))
    reached
  }

  /** The JVM's own format, chapter 4.4: what follows the magic number and the version is the table of constants. */
  def words(bytes: Array[Byte]): Set[String] = {
    val in = new DataInputStream(new ByteArrayInputStream(bytes))
    if (in.readInt() != 0xCAFEBABE) throw new IOException("not a class file")
    in.readInt()
    val found = mutable.Set.empty[String]
    val count = in.readUnsignedShort()
    var index = 1
    while (index < count) {
      in.readUnsignedByte() match {
        case 1 => in.readUTF().split("[;()<>\\[:.\\s]").foreach(word => found ++= Seq(word, word.stripPrefix("L")))
        case 3 | 4 | 9 | 10 | 11 | 12 | 17 | 18 => in.readInt()
        case 5 | 6 => in.readLong(); index += 1
        case 7 | 8 | 16 | 19 | 20 => in.readUnsignedShort()
        case 15 => in.readUnsignedByte(); in.readUnsignedShort()
        case tag => throw new IOException(s"constant of kind $tag")
      }
      index += 1
    }
    found.toSet
  }

  def sha256(bytes: Array[Byte]): String =
    MessageDigest.getInstance("SHA-256").digest(bytes).map(byte => f"$byte%02x").mkString
}

/** What a user can cause or cure: a sentence, without a stack trace. */
class HotDeployError(message: String) extends RuntimeException(message, null, false, false) {
  override def toString: String = getMessage
}
