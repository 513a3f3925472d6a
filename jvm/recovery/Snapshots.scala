package org.apache.spark.sparkspace.recovery

import java.io._

import scala.collection.mutable
import scala.reflect.ClassTag
import scala.util.control.NonFatal

import org.apache.spark.SparkConf
import org.apache.spark.deploy.master.PersistenceEngine
import org.apache.spark.internal.Logging

/** All that a master has persisted, in memory, and written as a whole at each change: some kilobytes. */
private[recovery] final class Snapshots(ledger: Ledger, conf: SparkConf) extends PersistenceEngine with Logging {
  private val entries = mutable.LinkedHashMap.empty[String, Array[Byte]]
  private val filter = ObjectInputFilter.Config.createFilter(
    conf.get("spark.deploy.recoverySerializationFilter", "java.**;scala.**;org.apache.spark.**;!*"))

  override def persist(name: String, obj: Object): Unit = synchronized {
    val bytes = new ByteArrayOutputStream
    val out = new ObjectOutputStream(bytes)
    out.writeObject(obj)
    out.close()
    entries(name) = bytes.toByteArray
    ledger.record(packed())
  }

  override def unpersist(name: String): Unit = synchronized {
    if (entries.remove(name).isDefined) ledger.record(packed())
  }

  /** What can't be read, as after an upgrade of Spark, is left out. */
  override def read[T: ClassTag](prefix: String): Seq[T] = synchronized {
    entries.toSeq.filter(_._1.startsWith(prefix)).flatMap { case (name, bytes) =>
      try Some(unserialized(bytes).asInstanceOf[T])
      catch { case NonFatal(error) => logError(s"Recovery: $name is lost: ${Ledger.brief(error)}"); entries.remove(name); None }
    }
  }

  private def unserialized(bytes: Array[Byte]): AnyRef = {
    val in = new ObjectInputStream(new ByteArrayInputStream(bytes))
    in.setObjectInputFilter(filter)
    in.readObject()
  }

  /** Begin with what `packed` made. */
  def load(content: Array[Byte]): Unit = synchronized {
    val in = new DataInputStream(new ByteArrayInputStream(content))
    for (_ <- 0 until in.readInt()) entries(in.readUTF()) = in.readNBytes(in.readInt())
  }

  private def packed(): Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    val out = new DataOutputStream(bytes)
    out.writeInt(entries.size)
    for ((name, content) <- entries) { out.writeUTF(name); out.writeInt(content.length); out.write(content) }
    bytes.toByteArray
  }
}
