// Typed into spark-shell by test_s3.py. What it finds, it prints: "found NAME WHAT".
import org.apache.hadoop.fs.{FileSystem, Path}
import org.apache.spark.TaskContext
import scala.util.Try
def found(name: String, what: Any) = println(s"\nfound $name $what")
def timed(name: String)(body: => Any) = {
  val start = System.nanoTime
  val said = Try(body).fold(error => error.toString.linesIterator.next(), _ => "no error")
  found(name, f"${(System.nanoTime - start) / 1e9}%.1f $said")
}

sc.parallelize(1 to 10000).saveAsObjectFile("s3a://the-bucket/x")

val numbers = spark.range(1000).selectExpr("id", "id % 3 AS third")
for (scheme <- Seq("s3a", "s3", "s3n")) numbers.write.partitionBy("third").parquet(s"$scheme://the-bucket/$scheme")
for (round <- 1 to 2) numbers.write.mode("overwrite").parquet("s3a://the-bucket/twice")
def dynamic() = numbers.where("third = 1").limit(7).write.mode("overwrite").partitionBy("third").option("partitionOverwriteMode", "dynamic").parquet("s3a://the-bucket/s3a")
timed("dynamic")(dynamic())
val magic = Seq("spark.sql.sources.commitProtocolClass", "spark.sql.parquet.output.committer.class").map(key => key -> spark.conf.get(key))
spark.conf.set("spark.sql.sources.commitProtocolClass", "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol")
spark.conf.set("spark.sql.parquet.output.committer.class", "org.apache.parquet.hadoop.ParquetOutputCommitter")
timed("dynamic-by-renaming")(dynamic())
found("dynamic-counts", spark.read.parquet("s3a://the-bucket/s3a").groupBy("third").count().orderBy("third").collect().mkString)
for ((key, value) <- magic) spark.conf.set(key, value)

def dieIn(method: String) = if (TaskContext.get.attemptNumber == 0 && TaskContext.getPartitionId == 1) {
  val task = Thread.currentThread
  val killer = new Thread(() => {
    while (!task.getStackTrace.exists(frame => frame.toString.contains(method))) Thread.sleep(0, 100000)
    Runtime.getRuntime.halt(137)
  })
  killer.setDaemon(true)
  killer.start()
}
val doomed = sc.parallelize(1 to 1000, 4).mapPartitions { rows => dieIn("Committer.innerCommitTask"); rows.map(n => (n, TaskContext.get.attemptNumber)) }
doomed.toDF("n", "attempt").write.parquet("s3a://the-bucket/killed")
found("killed", spark.read.parquet("s3a://the-bucket/killed").selectExpr("count(*)", "sum(n)", "max(attempt)").collect().mkString)
val renamed = sc.parallelize(1 to 1000, 4).mapPartitions { rows => dieIn("FileOutputCommitter.commitTask"); rows.map(n => (n, TaskContext.get.attemptNumber)) }
renamed.saveAsObjectFile("s3a://the-bucket/renamed")
val pairs = sc.objectFile[(Int, Int)]("s3a://the-bucket/renamed").collect()
found("renamed", (pairs.length, pairs.map(_._1).sum, pairs.map(_._2).max))

// Lazy: the shell prints the value of any other.
lazy val secrets = Seq("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY").map(sys.env(_))
def leaks(secrets: Seq[String]): Seq[String] = {
  import java.nio.file.{Files, Path => Local}
  import scala.jdk.CollectionConverters._
  val commands = Files.list(Local.of("/proc")).iterator.asScala.map(_.resolve("cmdline")).toSeq
  val files = Files.walk(Local.of("/tmp")).iterator.asScala.filter(Files.isRegularFile(_)).filterNot(_.toString.contains("/repository/")).toSeq
  for { path <- commands ++ files; text <- Try(new String(Files.readAllBytes(path), "ISO-8859-1")).toOption.toSeq if secrets.exists(text.contains(_)) } yield path.toString
}
found("leaks-driver", leaks(secrets).mkString(","))
found("leaks-executor", sc.parallelize(1 to 4, 4).map { _ => Thread.sleep(500); leaks(secrets).mkString(",") }.collect().mkString)
// The page itself is filled by a script, from this.
val page = scala.io.Source.fromURL(s"${sc.uiWebUrl.get}/api/v1/applications/${sc.applicationId}/environment").mkString
found("page", page.contains("spark.hadoop.fs.s3a") + " " + secrets.exists(page.contains(_)))

val conf = sc.hadoopConfiguration
timed("no-bucket")(spark.read.text("s3a://no-such-bucket/x"))
timed("no-bucket-write")(numbers.write.parquet("s3a://no-such-bucket/x"))
conf.set("fs.s3a.bucket.wrong.access.key", "AKIA-another")
timed("wrong-key")(spark.read.text("s3a://wrong/x"))
conf.set("fs.s3a.bucket.refused.endpoint", "http://127.0.0.1:1")
timed("refused")(spark.read.text("s3a://refused/x"))
conf.set("fs.s3a.bucket.nowhere.endpoint", "http://nowhere.invalid")
timed("nowhere")(spark.read.text("s3a://nowhere/x"))
found("application", sc.applicationId)
