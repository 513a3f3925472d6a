package org.apache.spark.sparkspace // for members that are private[spark]

import java.util.{Collections, Map => JavaMap}

import scala.util.control.NonFatal

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.api.plugin.{DriverPlugin, ExecutorPlugin, PluginContext, SparkPlugin}
import org.apache.spark.deploy.client.StandaloneAppClient
import org.apache.spark.internal.Logging
import org.apache.spark.scheduler.cluster.StandaloneSchedulerBackend

/** An application that begins while no master answers asks again and again, for as long as a driver may wait for one.
  *
  * Spark's own asks three times, 20 s apart, and gives up after a minute (`StandaloneAppClient`). One that meets a restart
  * of the master each time is lost, however short these are. There is no property for it.
  */
final class Patience extends SparkPlugin {
  override def driverPlugin(): DriverPlugin = new DriverPlugin {
    override def init(sc: SparkContext, context: PluginContext): JavaMap[String, String] = {
      Patience.isDone(sc.conf)
      Patience.begin(sc)
      Collections.emptyMap()
    }
  }

  override def executorPlugin(): ExecutorPlugin = null // by the contract of SparkPlugin: there is none
}

object Patience extends Logging {
  private val Plugins = "spark.plugins"
  private val Wait = "spark.sparkspace.masterWait"
  private val FirstPauseS = 20 // it has begun when the client is seen
  private val PauseS = 10 // long enough to connect and log in
  private val LeastS = 60 // Spark's own

  /** Executors have no use for the plugin, and those of another release may not have it: one that can't load it ends. */
  private def isDone(conf: SparkConf): Unit = {
    val others = conf.get(Plugins, "").split(',').map(_.trim).filterNot(each => each.isEmpty || each == classOf[Patience].getName)
    if (others.isEmpty) conf.remove(Plugins) else conf.set(Plugins, others.mkString(","))
  }

  /** The client is made, and asks for the first time, right after the plugins; the driver waits for its answer. */
  private def begin(sc: SparkContext): Unit = {
    val thread = new Thread(() => make(sc), "sparkspace-patience")
    thread.setDaemon(true)
    thread.start()
  }

  private def make(sc: SparkContext): Unit =
    try {
      while (mayCome(sc)) Thread.sleep(10)
      val times = (sc.conf.getTimeAsSeconds(Wait, "0s").max(LeastS).toInt - FirstPauseS) / PauseS + 1
      client(sc).foreach { client =>
        set(client, "REGISTRATION_RETRIES", times)
        set(client, "REGISTRATION_TIMEOUT_SECONDS", PauseS)
      }
    } catch {
      case NonFatal(error) => logWarning(s"An application gives up after a minute without a master: $error")
    }

  private def mayCome(sc: SparkContext): Boolean = !sc.isStopped && client(sc).isEmpty &&
    (sc.schedulerBackend == null || sc.schedulerBackend.isInstanceOf[StandaloneSchedulerBackend])

  private def client(sc: SparkContext): Option[StandaloneAppClient] = sc.schedulerBackend match {
    case standalone: StandaloneSchedulerBackend => Option(standalone.client)
    case _ => None
  }

  private def set(client: StandaloneAppClient, name: String, value: Int): Unit = {
    val field = classOf[StandaloneAppClient].getDeclaredFields.find(_.getName.endsWith(name)).get
    field.setAccessible(true)
    field.setInt(client, value)
  }
}
