package org.apache.spark.sparkspace

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, File, ObjectInputStream, ObjectOutputStream, ObjectStreamClass}
import java.lang.reflect.{InvocationHandler, InvocationTargetException, Method, ParameterizedType, Proxy}
import java.nio.file.{Files, Paths}
import java.util.zip.ZipInputStream

import scala.collection.mutable

import org.apache.spark.broadcast.Broadcast
import org.apache.spark.sql.{SparkSession, UDFRegistration}
import org.apache.spark.sql.catalyst.JavaTypeInference
import org.apache.spark.sql.types.DataType
import org.apache.spark.util.Utils

/** JVM functions of a PySpark application, in the version of the project that was deployed last.
  *
  * PySpark has artifact isolation off, and a state of its own would take its Python files and its Python workers away. So
  * no state is set: a function carries the classes of its version with it.
  */
object Functions {
  private final case class Known(spark: SparkSession, className: String, returnType: DataType)

  private val registered = mutable.LinkedHashMap.empty[String, Known]
  private var seen = Classes.none
  private var current: Option[(Version, Broadcast[Array[Byte]])] = None
  private lazy val parent = Utils.getContextOrSparkClassLoader
  private lazy val versions = new Versions(Utils.createTempDir(namePrefix = "hotdeploy").toPath, parent)

  /** Deploy what directories hold, if that is new; functions that are registered are of it from now on.
    *
    * @param dirs with ':' between
    * @return the version, as `number checksum`, or nothing where there is no class
    */
  def deploy(spark: SparkSession, dirs: String): String = synchronized {
    val found = Classes.read(dirs.split(File.pathSeparatorChar).filter(_.nonEmpty).map(Paths.get(_)).toSeq, seen)()
    if (found.units.nonEmpty && found.digest != seen.digest) use(spark, versions.of(found))
    seen = found
    current.fold("") { case (version, _) => s"${version.number} ${version.id}" }
  }

  /** Go back to a version: by its number, or by the start of its checksum. */
  def go(spark: SparkSession, name: String): String = synchronized {
    use(spark, versions.find(name).getOrElse(throw new HotDeployError(s"There is no version $name, but ${versions.all.mkString(", ")}.")))
    current.fold("") { case (version, _) => s"${version.number} ${version.id}" }
  }

  def all: Array[String] = versions.all.map(version => s"${version.number} ${version.id}").toArray

  def has(className: String): Boolean = current.exists(_._1.classes.files.contains(className.replace('.', '/') + ".class"))

  private def use(spark: SparkSession, version: Version): Unit = {
    val before = current
    val jar = spark.sparkContext.broadcast(Files.readAllBytes(version.jar.toPath))
    current = Some((version, jar))
    try registered.foreach { case (name, known) => if (has(known.className)) put(name, known) }
    catch { case error: Throwable => current = before; throw error }
    versions.keep(version)
    val gone = registered.filterNot { case (_, known) => has(known.className) }.toSeq
    gone.foreach { case (name, known) => registered.remove(name); known.spark.sql(s"DROP TEMPORARY FUNCTION IF EXISTS `$name`") }
    if (gone.nonEmpty) Console.err.println(s"Hot deploy: dropped, for their classes are gone: ${gone.map(_._1).mkString(", ")}")
    Loaders.exchange(loader => (loader eq parent) || loader.isInstanceOf[ProjectLoader], version.loader)
    Thread.currentThread.setContextClassLoader(version.loader)
    forgetMethods()
    versions.prune(version)
  }

  /** Py4J keeps the methods that Python has called by the names of their classes: it would call those of the last version. */
  private def forgetMethods(): Unit = {
    val field = classOf[py4j.reflection.ReflectionEngine].getDeclaredField("cacheHolder")
    field.setAccessible(true)
    val made = field.get(null).getClass.getDeclaredConstructor()
    made.setAccessible(true)
    field.set(null, made.newInstance())
  }

  /** As UDFRegistration.registerJava does it.
    *
    * @param returnType null: it is inferred from the class
    */
  def register(spark: SparkSession, name: String, className: String, returnType: DataType): Unit = synchronized {
    val known = Known(spark, className, returnType)
    put(name, known)
    registered(name) = known
  }

  private def put(name: String, known: Known): Unit = {
    val (version, jar) = current.get
    val made = version.loader.loadClass(known.className)
    val faces = made.getGenericInterfaces.collect { case face: ParameterizedType if isFunction(face) => face }
    if (faces.length != 1) {
      throw new HotDeployError(s"${known.className} implements ${faces.length} of the interfaces UDF0 to UDF22, and must one.")
    }
    val result = Option(known.returnType).getOrElse(JavaTypeInference.inferDataType(faces(0).getActualTypeArguments.last)._1)
    val face = faces(0).getRawType.asInstanceOf[Class[_]]
    val handler = new Carried(jar, version.classes.digest, known.className, Carried.write(made.getDeclaredConstructor().newInstance()))
    val proxy = Proxy.newProxyInstance(face.getClassLoader, Array[Class[_]](face), handler)
    classOf[UDFRegistration].getMethod("register", classOf[String], face, classOf[DataType]).invoke(known.spark.udf, name, proxy, result)
  }

  private def isFunction(face: ParameterizedType): Boolean = face.getRawType.getTypeName.matches("org\\.apache\\.spark\\.sql\\.api\\.java\\.UDF\\d+")
}

/** A function of a version, with what makes its class on an executor that never heard of it. */
private final class Carried(jar: Broadcast[Array[Byte]], digest: String, className: String, state: Array[Byte])
    extends InvocationHandler with Serializable {

  @transient private lazy val target: AnyRef = Carried.read(state, Carried.loader(digest, jar))

  override def invoke(proxy: AnyRef, method: Method, arguments: Array[AnyRef]): AnyRef = method.getName match {
    case "call" => try method.invoke(target, arguments: _*) catch { case error: InvocationTargetException => throw error.getCause }
    case "toString" => s"$className of ${Probe.short(digest)}"
    case "hashCode" => Int.box(System.identityHashCode(proxy))
    case _ => Boolean.box(proxy eq arguments(0))
  }
}

private object Carried {
  private val Kept = 8
  private val loaders = new java.util.LinkedHashMap[String, ClassLoader](16, 0.75f, true) {
    override def removeEldestEntry(eldest: java.util.Map.Entry[String, ClassLoader]): Boolean = size > Kept
  }

  def loader(digest: String, jar: Broadcast[Array[Byte]]): ClassLoader = loaders.synchronized {
    if (!loaders.containsKey(digest)) {
      val classes = new Classes(unpack(jar.value))
      loaders.put(digest, new ProjectLoader(classes, Map.empty, None, Utils.getContextOrSparkClassLoader))
    }
    loaders.get(digest)
  }

  private def unpack(jar: Array[Byte]): Map[String, Entry] = {
    val in = new ZipInputStream(new ByteArrayInputStream(jar))
    Iterator.continually(in.getNextEntry).takeWhile(_ != null).map(_.getName -> new Entry(null, in.readAllBytes())).toMap
  }

  def write(instance: Any): Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    val out = new ObjectOutputStream(bytes)
    out.writeObject(instance)
    out.close()
    bytes.toByteArray
  }

  def read(bytes: Array[Byte], loader: ClassLoader): AnyRef = new ObjectInputStream(new ByteArrayInputStream(bytes)) {
    override def resolveClass(named: ObjectStreamClass): Class[_] =
      try Class.forName(named.getName, false, loader) catch { case _: ClassNotFoundException => super.resolveClass(named) }
  }.readObject()
}
