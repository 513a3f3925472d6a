package org.apache.zeppelin.spark;

import java.io.File;
import java.net.URLClassLoader;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.SQLContext;
import org.apache.spark.sql.SparkSession;
import org.apache.zeppelin.interpreter.InterpreterContext;
import org.apache.zeppelin.interpreter.InterpreterGroup;
import org.apache.zeppelin.interpreter.InterpreterHookRegistry;
import org.apache.zeppelin.interpreter.InterpreterResult;
import org.apache.zeppelin.interpreter.ZeppelinContext;
import org.apache.zeppelin.interpreter.thrift.InterpreterCompletion;

/**
 * The one part of Zeppelin's Spark interpreter that is in no public repository of jars: its Scala shell, which also makes
 * the session. This one makes the session, from the conf that Zeppelin has put together, and has no shell: %spark.sql runs.
 */
public class SparkScala212Interpreter extends AbstractSparkScalaInterpreter {
  private final SparkConf conf;
  private final Properties properties;
  private SparkSession session;
  private ZeppelinContext shown;

  public SparkScala212Interpreter(
      SparkConf conf, List<String> files, Properties properties, InterpreterGroup group, URLClassLoader loader, File out) {
    this.conf = conf;
    this.properties = properties;
  }

  public void open() {
    session = SparkSession.builder().config(conf).getOrCreate();
    SparkShims shims = shims();
    shown = new ZeppelinContext(new InterpreterHookRegistry(), 1000) {
      public Map<String, String> getInterpreterClassMap() { return Map.of(); }
      public List<Class> getSupportedClasses() { return List.of(Dataset.class); }
      public String showData(Object data, int rows) { return shims.showDataFrame(data, rows, getInterpreterContext()); }
    };
  }

  private SparkShims shims() {
    try {
      return SparkShims.getInstance(session.version(), properties, session);
    } catch (Exception problem) {
      throw new IllegalStateException(problem);
    }
  }

  public void close() { session.stop(); }
  public SparkContext getSparkContext() { return session.sparkContext(); }
  public SQLContext getSqlContext() { return session.sqlContext(); }
  public Object getSparkSession() { return session; }
  public String getSparkUrl() { return session.sparkContext().uiWebUrl().getOrElse(() -> ""); }
  public ZeppelinContext getZeppelinContext() { return shown; }
  public int getProgress(String group, InterpreterContext context) { return 0; }
  public ClassLoader getScalaShellClassLoader() { return getClass().getClassLoader(); }

  public List<InterpreterCompletion> completion(String text, int cursor, InterpreterContext context) {
    return List.of();
  }

  public InterpreterResult interpret(String code, InterpreterContext context) {
    return new InterpreterResult(InterpreterResult.Code.ERROR, "There is no Scala shell here.");
  }
}
