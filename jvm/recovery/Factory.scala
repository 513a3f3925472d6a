package org.apache.spark.sparkspace.recovery

import java.util.concurrent.TimeUnit.SECONDS

import org.apache.hadoop.fs.Path

import org.apache.spark.{SecurityManager, SparkConf}
import org.apache.spark.deploy.SparkHadoopUtil
import org.apache.spark.deploy.master.{LeaderElectable, LeaderElectionAgent, StandaloneRecoveryModeFactory}
import org.apache.spark.internal.Logging
import org.apache.spark.serializer.Serializer
import org.apache.spark.util.ThreadUtils

/** `spark.deploy.recoveryMode.factory`: the state of a single master in `spark.deploy.recoveryDirectory`, a Hadoop URL. */
final class Factory(conf: SparkConf, serializer: Serializer) extends StandaloneRecoveryModeFactory(conf, serializer) {
  private val secret = Option(new SecurityManager(conf).getSecretKey()).getOrElse(
    throw new IllegalArgumentException("Recovery seals its files with the cluster's secret, and there is none: set spark.authenticate."))
  private val path = new Path(conf.get("spark.deploy.recoveryDirectory"))
  private val ledger = new Ledger(new Folder(path, Factory.hadoop(conf), new Seal(secret)))
  private val snapshots = new Snapshots(ledger, conf)

  override def createPersistenceEngine(): Snapshots = snapshots

  override def createLeaderElectionAgent(master: LeaderElectable): LeaderElectionAgent =
    new Agent(master, ledger, snapshots, path)
}

private object Factory {
  /** A store that hangs must fail in time for a second try, which is ours and not its client's: within 15 s, the least
    * that Hadoop takes (AWSClientConfig). In plain milliseconds, which all versions read.
    */
  def hadoop(conf: SparkConf): org.apache.hadoop.conf.Configuration = {
    val found = SparkHadoopUtil.get.newConfiguration(conf)
    for (name <- Seq("connection.timeout", "connection.request.timeout")) found.set(s"fs.s3a.$name", "15000")
    for (name <- Seq("attempts.maximum", "retry.limit", "retry.throttle.limit")) found.set(s"fs.s3a.$name", "0")
    found
  }
}

/** Makes the master leader once it has claimed the folder, and has it look after its claim from then on. */
private[recovery] final class Agent(
    override val masterInstance: LeaderElectable, ledger: Ledger, snapshots: Snapshots, path: Path)
  extends LeaderElectionAgent with Logging {
  private val RetryAfterS = 2L
  private var said = "" // may have to wait for hours: once is enough

  // Two threads: what looks may hang in the file system, what watches may not.
  private val threads = ThreadUtils.newDaemonThreadPoolScheduledExecutor("recovery", 2)
  threads.execute(() => lead())

  private def lead(): Unit = try {
    ledger.take().foreach(snapshots.load)
    threads.scheduleWithFixedDelay(() => ledger.look(), Ledger.LookEveryS, Ledger.LookEveryS, SECONDS)
    threads.scheduleWithFixedDelay(() => ledger.watch(), 1, 1, SECONDS)
    masterInstance.electedLeader()
  } catch {
    case error: Throwable => // a client that lacks a class is no Exception, and nobody else would hear of it
      val reason = Ledger.brief(error)
      if (reason != said) logError(s"Recovery: $path can't be used yet, so this master waits: $reason. " +
        "To do without for a while: heroku config:set SPARKSPACE_RECOVERY_DIR=none")
      said = reason
      threads.schedule((() => lead()): Runnable, RetryAfterS, SECONDS)
  }

  override def stop(): Unit = threads.shutdownNow()
}
