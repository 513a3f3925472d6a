package org.apache.spark.sparkspace

import java.io.File

import scala.util.Try

import org.apache.zookeeper.client.FourLetterWordMain
import org.apache.zookeeper.server.quorum.{QuorumPeer, QuorumPeerConfig, QuorumPeerMain}

/** A member of the cluster's own ensemble: ZooKeeper's main program, with a login, and with manners. */
object Ensemble {
  private val StaysMs = 15000 // of the 30 s that a dyno has
  private val WaitsMs = 20000
  private val LookMs = 1000

  def main(args: Array[String]): Unit = {
    val folder = sys.env("SPARK_CONF_DIR")
    System.setProperty("log4j2.configurationFile", s"$folder/log4j2.properties")
    Login.install()
    val config = new QuorumPeerConfig
    config.parse(s"$folder/zoo.cfg")
    val members = new Ensemble(config)
    Runtime.getRuntime.addShutdownHook(new Thread(() => members.seeOff()))
    if (!new File(config.getDataDir, "initialize").exists) members.watch()
    QuorumPeerMain.main(Array(s"$folder/zoo.cfg"))
  }
}

private class Ensemble(config: QuorumPeerConfig) {
  import Ensemble._

  private val port = config.getClientPortAddress.getPort
  private val own = config.getClientPortAddress.getHostString
  private val others = config.getServers.values.toArray(Array.empty[QuorumPeer.QuorumServer]).toSeq
    .filter(_.id != config.getServerId)
    .map(_.addr.getOne.getHostString)

  /** At SIGTERM: go on until all others serve. A release restarts one dyno after the other, and takes each for ready when
    * it runs; if this one went before that one has learnt what it knows, nobody would know it.
    *
    * The first look is of others that may be about to go, too, as when all is stopped: they have to find this one.
    */
  def seeOff(): Unit = {
    val end = System.nanoTime + StaysMs * 1000000L
    var away = others.filterNot(serves)
    Thread.sleep(LookMs)
    while (away.nonEmpty && System.nanoTime < end) {
      System.err.println(s"sparkspace at=zookeeper-stays until-it-serves=${away.mkString(",")}")
      Thread.sleep(LookMs)
      away = others.filterNot(serves)
    }
  }

  /** One that has no vote waits for the others to lead it. If they are too few for that, for too long, it makes room for
    * its successor, which finds nobody that serves, and has a vote.
    */
  def watch(): Unit = {
    val thread = new Thread(() => {
      var last = System.nanoTime
      var hasLearnt = false // then it has what the others had, and a vote: for nobody's sake it ends
      while (!hasLearnt && System.nanoTime - last < WaitsMs * 1000000L) {
        Thread.sleep(LookMs)
        hasLearnt = serves(own)
        if (others.exists(serves)) last = System.nanoTime
      }
      if (!hasLearnt) {
        System.err.println("sparkspace at=zookeeper-gives-up reason=no-other-serves next=with-a-vote")
        Runtime.getRuntime.halt(1)
      }
    })
    thread.setDaemon(true)
    thread.start()
  }

  private def serves(host: String): Boolean =
    Try(FourLetterWordMain.send4LetterWord(host, port, "srvr", false, LookMs)).toOption.exists(_.contains("Mode: "))
}
