package org.apache.spark.sparkspace // for members that are private[spark]

import java.util.{Collections, Map => JavaMap}

import scala.util.control.NonFatal

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.api.plugin.{DriverPlugin, ExecutorPlugin, PluginContext, SparkPlugin}
import org.apache.spark.deploy.client.StandaloneAppClient
import org.apache.spark.internal.Logging
import org.apache.spark.scheduler.cluster.StandaloneSchedulerBackend

/** An application that begins while no master answers asks for one as long as a driver may wait.
  *
  * Spark's own asks three times, 20 s apart, and gives up after a minute (`StandaloneAppClient`). One that meets a restart
  * of the master each time is lost, however short these are. There is no property for it. The 20 s stay: a master that is
  * asked again before it has answered registers the application twice.
  */
final class Patience extends SparkPlugin {
  override def driverPlugin(): DriverPlugin = new DriverPlugin {
    override def init(sc: SparkContext, context: PluginContext): JavaMap[String, String] = {
      Patience.takeOut(sc.conf)
      Patience.begin(sc)
      Collections.emptyMap()
    }
  }

  override def executorPlugin(): ExecutorPlugin = null // by the contract of SparkPlugin: there is none
}

object Patience extends Logging {
  private val Plugins = "spark.plugins.defaultList" // those of `spark.plugins`, the user's own, are loaded besides
  private val Wait = "spark.sparkspace.masterWait"
  private val PauseS = 20
  private val Spark = 3

  /** Executors have no use for the plugin, and those of another release may not have it: one that can't load it ends. */
  private def takeOut(conf: SparkConf): Unit = {
    val others = conf.get(Plugins, "").split(',').filterNot(_.trim == classOf[Patience].getName)
    if (others.isEmpty) conf.remove(Plugins) else conf.set(Plugins, others.mkString(","))
  }

  /** The client is made right after the plugins, and the driver waits for what it hears. */
  private def begin(sc: SparkContext): Unit = {
    val thread = new Thread(() => await(sc), "sparkspace-patience")
    thread.setDaemon(true)
    thread.start()
  }

  private def await(sc: SparkContext): Unit =
    try {
      while (mayCome(sc)) Thread.sleep(10)
      val times = math.ceil(sc.conf.getTimeAsSeconds(Wait, "0s").toDouble / PauseS).toInt
      client(sc).foreach(setTimes(_, times.max(Spark)))
    } catch {
      case NonFatal(error) => logWarning(s"An application gives up after a minute without a master: $error")
    }

  private def mayCome(sc: SparkContext): Boolean = !sc.isStopped && client(sc).isEmpty &&
    (sc.schedulerBackend == null || sc.schedulerBackend.isInstanceOf[StandaloneSchedulerBackend])

  private def client(sc: SparkContext): Option[StandaloneAppClient] = sc.schedulerBackend match {
    case standalone: StandaloneSchedulerBackend => Option(standalone.client)
    case _ => None
  }

  private def setTimes(client: StandaloneAppClient, times: Int): Unit = {
    val field = classOf[StandaloneAppClient].getDeclaredFields.find(_.getName.endsWith("REGISTRATION_RETRIES")).get
    field.setAccessible(true)
    field.setInt(client, times)
  }
}
