package org.apache.spark.sparkspace.recovery

import java.security.SecureRandom
import javax.crypto.{Cipher, Mac}
import javax.crypto.spec.{GCMParameterSpec, SecretKeySpec}

import scala.util.control.NonFatal

/** What is not, or no more, what a master of this cluster wrote under this name. */
private[recovery] final class Unsound(cause: Throwable) extends Exception(cause)

/** AES-GCM by a key of the cluster's secret: without it a file can be neither read, nor changed, nor renamed unseen. */
private[recovery] final class Seal(secret: String) {
  private val NonceBytes = 12
  private val TagBits = 128

  private val key = {
    val mac = Mac.getInstance("HmacSHA256")
    mac.init(new SecretKeySpec(secret.getBytes("UTF-8"), "HmacSHA256"))
    new SecretKeySpec(mac.doFinal("sparkspace recovery".getBytes("UTF-8")), "AES")
  }

  def close(name: String, plain: Array[Byte]): Array[Byte] = {
    val nonce = new Array[Byte](NonceBytes)
    new SecureRandom().nextBytes(nonce)
    nonce ++ cipher(Cipher.ENCRYPT_MODE, name, nonce).doFinal(plain)
  }

  /** @throws Unsound it was not sealed under this name by who has the secret, or it is cut off */
  def open(name: String, sealedBytes: Array[Byte]): Array[Byte] = try {
    val (nonce, rest) = sealedBytes.splitAt(NonceBytes)
    cipher(Cipher.DECRYPT_MODE, name, nonce).doFinal(rest)
  } catch { case NonFatal(error) => throw new Unsound(error) } // of a few bytes, Java's GCM throws a ProviderException

  private def cipher(mode: Int, name: String, nonce: Array[Byte]): Cipher = {
    val found = Cipher.getInstance("AES/GCM/NoPadding")
    found.init(mode, key, new GCMParameterSpec(TagBits, nonce))
    found.updateAAD(name.getBytes("UTF-8"))
    found
  }
}
