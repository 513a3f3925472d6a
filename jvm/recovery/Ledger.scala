package org.apache.spark.sparkspace.recovery

import java.util.concurrent.TimeUnit.{NANOSECONDS, SECONDS}

import scala.util.control.NonFatal

import org.apache.spark.internal.Logging

/** A master's right to act, and what it has written by it. docs/design.md, "Recovery of a single master".
  *
  * A master first writes, then looks whether it still leads; its successor first claims, then looks what is written. So
  * whatever a master has gone by, its successor knows.
  */
private[recovery] final class Ledger(folder: Folder) extends Logging {
  import Ledger._

  private var claim: Claim = _ // set before anybody else can ask for it
  private var number = 0L
  private var last: Option[Array[Byte]] = None // the state as it is
  @volatile private var isWriting = false
  @volatile private var confirmed = 0L
  private var isLate = false // has been said

  /** Claim the folder, and read what the master before left.
    *
    * @return the newest state that is sound; nothing if there is none
    */
  def take(): Option[Array[Byte]] = {
    val start = System.nanoTime
    do {
      claim = folder.list().next()
      folder.put(claim)
    } while (folder.list().claims.exists(_ > claim)) // another one starts right now: the last to claim has it
    last = newest()
    if (last.isEmpty) logWarning("Recovery: there is no state of a master before. If there was one, what ran by it is not known.")
    confirm()
    confirmed = start
    last
  }

  private def newest(): Option[Array[Byte]] =
    folder.list().states.filter(_.claim < claim).reverseIterator.flatMap { state =>
      try {
        val content = folder.get(state)
        logInfo(s"Recovery: the state of the master before is $state.")
        Some(content)
      } catch {
        case _: Unsound =>
          logError(s"Recovery: $state is not used. It is cut off, was changed, or is sealed by another secret than this cluster's.")
          None
      }
    }.take(1).toList.headOption

  /** Write a state. Returns when it is written and this master still leads; tries for as long as it may. */
  def record(content: Array[Byte]): Unit = synchronized {
    isWriting = true
    last = Some(content)
    val start = untilDone {
      number += 1
      folder.put(State(claim, number), content)
      confirm()
    }
    isWriting = false
    confirmed = start
  }

  private def untilDone(body: => Unit): Long = {
    var done = 0L
    while (done == 0L) {
      val start = System.nanoTime
      try { body; done = start }
      catch { case NonFatal(error) => logError(s"Recovery: the state can't be written, so nothing new begins: ${brief(error)}"); SECONDS.sleep(1) }
    }
    done
  }

  /** Look whether a newer master is there, and remove what nobody needs. */
  def look(): Unit = try {
    val start = System.nanoTime
    val seen = confirm()
    if (!seen.claims.contains(claim)) restore()
    if (!isWriting) confirmed = start
    sweep(seen)
  } catch { case error: Throwable => logError(s"Recovery: the claim can't be confirmed: ${brief(error)}") }

  /** Somebody has emptied the folder. */
  private def restore(): Unit = synchronized {
    folder.put(claim)
    last.foreach(record)
    logError(s"Recovery: $claim had been removed. It is written again, and the state.")
  }

  /** The master before is needed until this one has written; of its own states the one before the last, too. */
  private def sweep(seen: Listing): Unit = {
    val own = seen.states.filter(_.claim == claim).takeRight(Kept)
    val useless = seen.claims.filter(_ < claim) ++ own.headOption.toSeq.flatMap(first => seen.states.filter(_ < first))
    useless.foreach(each => folder.remove(each.toString))
  }

  private def confirm(): Listing = {
    val seen = folder.list()
    seen.claims.find(_ > claim).foreach(other => end(s"$other is a newer master's, so this one ends"))
    seen
  }

  /** End a master that can't know any more whether it leads. */
  def watch(): Unit = {
    val silent = NANOSECONDS.toSeconds(System.nanoTime - confirmed)
    if (silent >= SaidAfterS && !isLate) logError(s"Recovery: for $silent s the claim could not be confirmed. After $ConfirmedWithinS s this master has to end.")
    isLate = silent >= SaidAfterS
    if (silent >= ConfirmedWithinS) end(s"for $silent s nobody could say whether this master still leads, so it ends; applications go on, and the next one takes over")
  }

  /** No hooks: while they run, a master would go on. */
  private def end(reason: String): Nothing = {
    logError(s"Recovery: $reason.")
    Runtime.getRuntime.halt(TemporaryFailure)
    throw new IllegalStateException(reason)
  }
}

private[recovery] object Ledger {
  val LookEveryS = 5L
  private val SaidAfterS = 10L
  val ConfirmedWithinS = 45L // less than what a worker's silence is allowed (spark.worker.timeout)
  private val Kept = 3 // the newest may be half written, in a file system where that can be
  private val TemporaryFailure = 75 // EX_TEMPFAIL

  def brief(error: Throwable): String = error.toString.linesIterator.take(1).mkString
}
