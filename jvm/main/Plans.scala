package org.apache.spark.sparkspace

import java.security.MessageDigest
import java.util.{LinkedHashMap, Map => JavaMap}

import org.apache.spark.api.python.PythonFunction
import org.apache.spark.sql.catalyst.expressions.{Expression, PythonUDAF, PythonUDF, PythonUDTF}
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.QueryExecution

/** The Python functions in the plan of a DataFrame, and the same plan with others in their place: after an edit, for a
  * DataFrame that was made before. What is cached stays, with all below it: its data are what somebody wanted to keep.
  */
object Plans {

  /** SHA-1 of the pickled command, in hex -> the function. Empty for a plan without Python. */
  def functions(query: QueryExecution): JavaMap[String, PythonFunction] = {
    val found = new LinkedHashMap[String, PythonFunction]()
    replaced(query, query.analyzed, function => { found.put(digest(function), function); function })
    found
  }

  /** The plan with functions replaced: `others` goes by the SHA-1 of the command that was there before. */
  def renewed(query: QueryExecution, others: JavaMap[String, PythonFunction]): LogicalPlan =
    replaced(query, query.analyzed, function => others.getOrDefault(digest(function), function))

  private def replaced(query: QueryExecution, plan: LogicalPlan, other: PythonFunction => PythonFunction): LogicalPlan =
    if (isCached(query, plan)) {
      plan
    } else {
      plan.mapChildren(replaced(query, _, other)).transformExpressionsWithPruning(_ => true) {
        case each: Expression if function(each).isDefined => copied(each, other(function(each).get))
      }
    }

  private def function(expression: Expression): Option[PythonFunction] = expression match {
    case udf: PythonUDF => Some(udf.func)
    case udaf: PythonUDAF => Some(udaf.func)
    case udtf: PythonUDTF => Some(udtf.func)
    case _ => None
  }

  private def copied(expression: Expression, function: PythonFunction): Expression = expression match {
    case udf: PythonUDF => udf.copy(func = function)
    case udaf: PythonUDAF => udaf.copy(func = function)
    case udtf: PythonUDTF => udtf.copy(func = function)
    case other => other
  }

  /** `CacheManager.lookupCachedData` has the session as its first argument from 4.0 on. */
  private def isCached(query: QueryExecution, plan: LogicalPlan): Boolean = {
    val manager = query.sparkSession.sharedState.cacheManager
    !manager.isEmpty && {
      val lookups = manager.getClass.getMethods.filter(_.getName == "lookupCachedData")
      val lookup = lookups.find(_.getParameterTypes.lastOption.contains(classOf[LogicalPlan])).get
      val arguments = if (lookup.getParameterCount == 1) Seq(plan) else Seq(query.sparkSession, plan)
      lookup.invoke(manager, arguments: _*).asInstanceOf[Option[_]].isDefined
    }
  }

  private def digest(function: PythonFunction): String =
    MessageDigest.getInstance("SHA-1").digest(function.command.toArray).map(byte => f"$byte%02x").mkString
}
