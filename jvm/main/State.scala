package org.apache.spark.sparkspace

import java.lang.reflect.{Field, Modifier}
import java.nio.ByteBuffer
import java.util.concurrent.{AbstractExecutorService, ExecutorService, TimeUnit}

import org.apache.commons.lang3.{ThreadUtils => Threads}

import org.apache.spark.{JobArtifactSet, JobArtifactState, SparkContext, SparkEnv}
import org.apache.spark.scheduler.{TaskResultGetter, TaskSchedulerImpl, TaskSetManager}
import org.apache.spark.serializer.{KryoSerializer, SerializerInstance}
import org.apache.spark.util.ThreadUtils

/** The artifact state of every job of this driver (SPARK-44146): its uuid is what executors choose a class loader by.
  *
  * Spark keeps it by the thread, and a SQL execution of a shell sets it to none. Here none means the version that is
  * deployed now, in every thread, also in those of a pool that is older than the version.
  */
private[sparkspace] object State {
  val Prefix = "sparkspace-"
  @volatile var current: Option[JobArtifactState] = None
  private val tried = new ThreadLocal[Option[JobArtifactState]]

  private class Everywhere extends ThreadLocal[Option[JobArtifactState]] {
    override def get(): Option[JobArtifactState] = Option(super.get()).flatten.orElse(Option(tried.get).flatten).orElse(current)

    // Spark reads the state before an execution and writes it back after: ours would stay in the thread for good.
    override def set(state: Option[JobArtifactState]): Unit =
      if (state == null || state.forall(_.uuid.startsWith(Prefix))) remove() else super.set(state)
  }

  /** Jobs that this thread begins here have a state that is not the current one, or not yet. */
  def within[T](state: JobArtifactState)(body: => T): T = {
    tried.set(Some(state))
    try body finally tried.remove()
  }

  lazy val installed: Unit = {
    val owner = JobArtifactSet.getClass
    val field = owner.getDeclaredFields.find(field => classOf[ThreadLocal[_]].isAssignableFrom(field.getType)).getOrElse(
      throw new HotDeployError("This version of Spark keeps a job's artifacts in another way; it has no hot deploy of JVM code."))
    put(field, JobArtifactSet, new Everywhere)
  }

  /** Reflection does not write a static final field; Spark 4's is one. */
  private def put(field: Field, owner: AnyRef, value: AnyRef): Unit = {
    val access = classOf[sun.misc.Unsafe].getDeclaredField("theUnsafe")
    access.setAccessible(true)
    val unsafe = access.get(null).asInstanceOf[sun.misc.Unsafe]
    if (Modifier.isStatic(field.getModifiers)) unsafe.putObject(unsafe.staticFieldBase(field), unsafe.staticFieldOffset(field), value)
    else unsafe.putObject(owner, unsafe.objectFieldOffset(field), value)
  }
}

/** Reads the results of tasks with the loader of the version that they ran in; Spark's own reads all with the first. */
private[sparkspace] final class Results(env: SparkEnv, scheduler: TaskSchedulerImpl, loader: Option[String] => ClassLoader)
    extends TaskResultGetter(env, scheduler) {

  private val reading = new ThreadLocal[ClassLoader]
  private val pool = ThreadUtils.newDaemonFixedThreadPool(env.conf.getInt("spark.resultGetter.threads", 4), "task-result-getter")

  override protected val taskResultSerializer: ThreadLocal[SerializerInstance] = new ThreadLocal[SerializerInstance] {
    override def get(): SerializerInstance = env.serializer.newInstance()
  }

  override protected val getTaskResultExecutor: ExecutorService = new AbstractExecutorService {
    override def execute(task: Runnable): Unit = {
      val wanted = reading.get()
      pool.execute(() => Loaders.within(wanted)(task.run()))
    }
    override def shutdown(): Unit = pool.shutdown()
    override def shutdownNow(): java.util.List[Runnable] = pool.shutdownNow()
    override def isShutdown: Boolean = pool.isShutdown
    override def isTerminated: Boolean = pool.isTerminated
    override def awaitTermination(time: Long, unit: TimeUnit): Boolean = pool.awaitTermination(time, unit)
  }

  override def enqueueSuccessfulTask(tasks: TaskSetManager, id: Long, data: ByteBuffer): Unit =
    reading(tasks)(super.enqueueSuccessfulTask(tasks, id, data))

  override def enqueueFailedTask(tasks: TaskSetManager, id: Long, state: org.apache.spark.TaskState.TaskState, data: ByteBuffer): Unit =
    reading(tasks)(super.enqueueFailedTask(tasks, id, state, data))

  private def reading(tasks: TaskSetManager)(enqueue: => Unit): Unit = {
    reading.set(loader(tasks.taskSet.tasks.headOption.flatMap(_.artifacts.state).map(_.uuid)))
    try enqueue finally reading.remove()
  }
}

private[sparkspace] object Loaders {
  def within(loader: ClassLoader)(body: => Unit): Unit = {
    val thread = Thread.currentThread
    val before = thread.getContextClassLoader
    if (loader != null) thread.setContextClassLoader(loader)
    try body finally thread.setContextClassLoader(before)
  }

  /** Every thread that looked classes up in one loader does so in another now: Spark's threads live as long as the driver. */
  def exchange(old: ClassLoader => Boolean, fresh: ClassLoader): Unit =
    Threads.getAllThreads.forEach { thread =>
      if (thread.getContextClassLoader != null && old(thread.getContextClassLoader)) thread.setContextClassLoader(fresh)
    }

  def readResults(sc: SparkContext, loader: Option[String] => ClassLoader): Unit = sc.taskScheduler match {
    case scheduler: TaskSchedulerImpl =>
      val before = scheduler.taskResultGetter
      scheduler.taskResultGetter = new Results(sc.env, scheduler, loader)
      before.stop()
    case _ =>
  }

  def forget(env: SparkEnv, fresh: ClassLoader): Unit = env.serializer match {
    case kryo: KryoSerializer => kryo.setDefaultClassLoader(fresh) // it keeps a pool of what it has made for the last
    case _ =>
  }
}
