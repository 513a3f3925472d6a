package org.apache.spark.deploy.master.sparkspace

import scala.util.Try
import scala.util.control.NonFatal

import org.apache.curator.framework.{CuratorFramework, CuratorFrameworkFactory}
import org.apache.curator.framework.recipes.leader.{LeaderLatch, LeaderLatchListener}
import org.apache.curator.retry.RetryForever

import org.apache.spark.SparkConf
import org.apache.spark.deploy.SparkCuratorUtil
import org.apache.spark.deploy.master.{LeaderElectable, LeaderElectionAgent, ZooKeeperRecoveryModeFactory}
import org.apache.spark.internal.Logging
import org.apache.spark.internal.config.Deploy.{ZOOKEEPER_DIRECTORY, ZOOKEEPER_URL}
import org.apache.spark.serializer.Serializer
import org.apache.spark.sparkspace.Login
import org.apache.spark.util.ThreadUtils

/** Spark's recovery by ZooKeeper, with an election of ours (spark.deploy.recoveryMode.factory). */
class ZooKeeper(conf: SparkConf, serializer: Serializer) extends ZooKeeperRecoveryModeFactory(conf, serializer) {
  override def createLeaderElectionAgent(master: LeaderElectable): LeaderElectionAgent = new Election(master, conf)
}

/** The same, for our own ensemble, which asks who one is. */
class OwnZooKeeper(conf: SparkConf, serializer: Serializer) extends ZooKeeper(conf, serializer) {
  Login.install()
}

/** Elects a leader as Spark's own agent does, with the same path and the same latch, but does not take a short silence
  * for the end of the lead. When ZooKeeper's leader changes, all its clients are cut off for a moment; Spark's agent then
  * ends the leading master.
  */
private class Election(val masterInstance: LeaderElectable, conf: SparkConf)
    extends LeaderLatchListener with LeaderElectionAgent with Logging {
  private val zk = Election.client(conf.get(ZOOKEEPER_URL).get)
  zk.start()
  private val folder = conf.get(ZOOKEEPER_DIRECTORY).getOrElse("/spark")
  private val latch = new LeaderLatch(zk, folder + "/leader_election")
  // Not on ZooKeeper's own thread: what waits for an answer there waits for ever.
  latch.addListener(this, ThreadUtils.newDaemonSingleThreadExecutor("election"))
  latch.start()
  private var leads = false // a master is told once

  /** Spark's persistence engine makes its folder when the master starts, and fails for ever if it is gone since: the
    * ZooKeepers may all have been restarted, with empty disks.
    */
  override def isLeader(): Unit = if (!leads && latch.hasLeadership) {
    try SparkCuratorUtil.mkdir(zk, folder + "/master_status")
    catch { case NonFatal(error) => logError(s"$folder can't be made, so another master has to lead", error); masterInstance.revokedLeadership() }
    if (latch.hasLeadership) {
      leads = true
      masterInstance.electedLeader()
    }
  }

  override def notLeader(): Unit = if (leads && !latch.hasLeadership) {
    leads = false
    masterInstance.revokedLeadership()
  }

  override def stop(): Unit = {
    latch.close()
    zk.close()
  }
}

private object Election {
  /** A leader that is gone is noticed when its session is over. By default a ZooKeeper grants 4 to 40 s; Spark asks for 60. */
  private val SessionMs = 12000
  private val ConnectionMs = 15000
  private val RetryMs = 500

  /** A client notices a dead connection after two thirds of its session; so after one third more, its session is over at
    * the latest, and another may lead.
    */
  private val LostPercent = 33

  def client(url: String): CuratorFramework = {
    val builder = CuratorFrameworkFactory.builder()
      .connectString(url)
      .sessionTimeoutMs(SessionMs)
      .connectionTimeoutMs(ConnectionMs)
      .retryPolicy(new RetryForever(RetryMs))
    Try(bearSilence(builder)) // Curator 2, of Spark 3.5, can't: there another master takes over
    builder.build()
  }

  private def bearSilence(builder: AnyRef): Unit = {
    val state = "org.apache.curator.framework.state."
    val policy = Class.forName(state + "SessionConnectionStateErrorPolicy").getConstructor().newInstance()
    val asked = Class.forName(state + "ConnectionStateErrorPolicy")
    builder.getClass.getMethod("connectionStateErrorPolicy", asked).invoke(builder, policy.asInstanceOf[AnyRef])
    builder.getClass.getMethod("simulatedSessionExpirationPercent", classOf[Int]).invoke(builder, Int.box(LostPercent))
  }
}
