package org.apache.spark.sparkspace.recovery

import java.io.FileNotFoundException
import java.util.UUID

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FileSystem, Path}

/** One master's time: of two the greater one is the later, and of one epoch there can be two for a moment. */
private[recovery] final case class Claim(epoch: Long, id: String) extends Ordered[Claim] {
  def compare(that: Claim): Int = Ordering[(Long, String)].compare((epoch, id), (that.epoch, that.id))
  override def toString: String = f"claim-$epoch%010d-$id"
}

/** The whole state of a master, as it was after so many writes. */
private[recovery] final case class State(claim: Claim, number: Long) extends Ordered[State] {
  def compare(that: State): Int = Ordering[(Claim, Long)].compare((claim, number), (that.claim, that.number))
  override def toString: String = f"state-${claim.epoch}%010d-${claim.id}-$number%010d"
}

/** What a folder holds, in order. */
private[recovery] final case class Listing(claims: Seq[Claim], states: Seq[State]) {
  /** A claim above all that is there. */
  def next(): Claim = {
    val epochs = claims.map(_.epoch) ++ states.map(_.claim.epoch)
    Claim((0L +: epochs).max + 1, UUID.randomUUID.toString.take(8))
  }
}

/** A folder of any Hadoop file system, in which no file is ever changed: each is written once, under a name of its own.
  *
  * All methods throw what the file system does; that is not only `IOException`.
  */
private[recovery] final class Folder(path: Path, hadoop: Configuration, seal: Seal) {
  private val ClaimName = """claim-(\d{10,18})-(\w+)""".r
  private val StateName = """state-(\d{10,18})-(\w+)-(\d{10,18})""".r

  private lazy val files = {
    val found = FileSystem.newInstance(path.toUri, hadoop)
    found.setWriteChecksum(false) // the seal is better, and of a local folder it would be a second file
    found.setVerifyChecksum(false)
    found
  }

  def list(): Listing = {
    val names = try files.listStatus(path).toSeq.map(_.getPath.getName) catch { case _: FileNotFoundException => Nil }
    val claims = names.collect { case ClaimName(epoch, id) => Claim(epoch.toLong, id) }
    val states = names.collect { case StateName(epoch, id, number) => State(Claim(epoch.toLong, id), number.toLong) }
    Listing(claims.sorted, states.sorted)
  }

  def put(claim: Claim): Unit = write(claim.toString, Array.empty)

  def put(state: State, content: Array[Byte]): Unit = write(state.toString, seal.close(state.toString, content))

  /** @throws Unsound it is not what a master of this cluster wrote */
  def get(state: State): Array[Byte] = {
    val in = files.open(new Path(path, state.toString))
    val found = try in.readAllBytes() finally in.close()
    seal.open(state.toString, found)
  }

  def remove(name: String): Unit = files.delete(new Path(path, name), false)

  private def write(name: String, content: Array[Byte]): Unit = {
    // In a bucket that is one PUT. Without the option, S3A would ask first whether there is a file or folder of the name.
    val builder = files.createFile(new Path(path, name)).recursive().overwrite(true)
    builder.opt("fs.s3a.create.performance", true)
    val out = builder.build()
    out.write(content)
    out.close() // not in a "finally": in a bucket it completes the object, whatever has been written so far
  }
}
