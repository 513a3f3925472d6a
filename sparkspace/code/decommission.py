"""Tells a Spark master to decommission workers: ``decommission.py MASTER_HOST PORT WORKER_HOST…``, by ``spark-submit``.

It is what the button of the master's page does (``MasterWebUI``), without the page: a message to the master's endpoint,
by Spark's own RPC, and so with the cluster's secret. Prints one JSON line: ``{"decommissioned": 1}``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pyspark.java_gateway import launch_gateway

MARK = "sparkspace-decommission "


def decommission(jvm: Any, host: str, port: int, workers: list[str]) -> int:  # noqa: ANN401  # py4j has no types
    """How many workers the master has told; 0 also if it does not lead."""
    spark = jvm.org.apache.spark
    conf = spark.SparkConf()
    secret_file = getattr(spark.SecurityManager, "$lessinit$greater$default$3")()  # the default of Scala's constructor
    manager = spark.SecurityManager(conf, jvm.scala.Option.empty(), secret_file)
    rpc = spark.rpc.RpcEnv.create("sparkspace", conf.get("spark.driver.host"), 0, conf, manager, True)
    try:
        master = rpc.setupEndpointRef(spark.rpc.RpcAddress(host, port), "Master")
        hosts = jvm.java.util.ArrayList()
        for worker in workers:
            hosts.add(worker)
        message = getattr(spark.deploy, "DeployMessages$DecommissionWorkersOnHosts")
        told = master.askSync(message(spark.api.python.PythonUtils.toSeq(hosts)), jvm.scala.reflect.ClassTag.Any())
        return int(told)
    finally:
        rpc.shutdown()


def main() -> None:
    """Do it, and print what came of it."""
    host, port, *workers = sys.argv[1:]
    jvm = launch_gateway().jvm  # type: ignore[no-untyped-call]  # the one that spark-submit has started
    told = decommission(jvm, host, int(port), workers)
    print(MARK + json.dumps({"decommissioned": told}), flush=True)


if __name__ == "__main__":
    main()
