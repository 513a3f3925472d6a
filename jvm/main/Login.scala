package org.apache.spark.sparkspace

import java.util.HashMap
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import javax.security.auth.login.{AppConfigurationEntry, Configuration}

import org.apache.zookeeper.server.auth.DigestLoginModule

/** Who we are to a ZooKeeper, and whom a ZooKeeper lets in: one user, whose password is made of the cluster's secret.
  *
  * A JAAS configuration is a file otherwise. This one is made from the environment, so the password is in no file and in
  * no argument.
  */
object Login extends Configuration {
  private val User = "sparkspace"

  /** From now on, for this JVM's clients and servers of ZooKeeper. */
  def install(): Unit = {
    System.setProperty("zookeeper.fips-mode", "false") // else ZooKeeper 3.9 refuses DIGEST-MD5
    System.setProperty("zookeeper.sasl.client.canonicalize.hostname", "false") // addresses have no names here
    Configuration.setConfiguration(this)
  }

  /** The sections that ZooKeeper looks for. */
  override def getAppConfigurationEntry(name: String): Array[AppConfigurationEntry] = name match {
    case "Client" | "QuorumLearner" => entry("username" -> User, "password" -> password)
    case "Server" | "QuorumServer" => entry(s"user_$User" -> password)
    case _ => null // by the contract of Configuration: there is none
  }

  private def entry(options: (String, String)*): Array[AppConfigurationEntry] = {
    val map = new HashMap[String, String]
    options.foreach { case (name, value) => map.put(name, value) }
    val module = classOf[DigestLoginModule].getName
    Array(new AppConfigurationEntry(module, AppConfigurationEntry.LoginModuleControlFlag.REQUIRED, map))
  }

  private def password: String = {
    val mac = Mac.getInstance("HmacSHA256")
    mac.init(new SecretKeySpec(sys.env("_SPARK_AUTH_SECRET").getBytes("UTF-8"), "HmacSHA256"))
    mac.doFinal("sparkspace zookeeper".getBytes("UTF-8")).map(byte => f"$byte%02x").mkString
  }
}
