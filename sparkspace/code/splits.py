"""The job of ``doctor --timing``: one task, and when each thing on the way to its result was so.

Run by ``bin/spark-submit``. Prints one JSON line, in seconds since 1970, by the clock of this machine::

    {"begun": SparkContext, "up": it has been registered, "executor": the first one was added, "sent": the task was,
     "runs": its Python does, "result": the driver has it}
"""

from __future__ import annotations

import json
import time
from typing import Any

from pyspark import SparkContext

MARK = "sparkspace-splits "


def main() -> None:
    """Run the job, and print when."""
    context = SparkContext(appName="sparkspace doctor --timing")  # it blocks until a master has taken it in
    up = time.time()
    (runs,) = context.parallelize([0], 1).map(lambda _: time.time()).collect()
    result = time.time()
    found = {"begun": context.startTime / 1000, "up": up, **told(context), "runs": runs, "result": result}
    print(MARK + json.dumps(found), flush=True)
    context.stop()


def told(context: SparkContext) -> dict[str, float]:
    """What Spark itself has noted (``AppStatusStore``, from which its pages and its REST API are made)."""
    spark: Any = context._jsc.sc()
    spark.listenerBus().waitUntilEmpty()
    store = spark.statusStore()
    everybody = store.executorList(False)
    executors = [everybody.apply(index) for index in range(everybody.size())]
    added = [executor.addTime().getTime() for executor in executors if executor.id() != "driver"]
    sent = store.taskList(0, 0, 1).apply(0).launchTime().getTime()
    return {"executor": min(added) / 1000, "sent": sent / 1000}


if __name__ == "__main__":
    main()
