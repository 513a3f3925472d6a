"""What is run once so that the classes of daemons are archived: a master and a worker in one JVM, and nothing else.

Run by archives.py through Spark's own spark-submit.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from typing import Any

from pyspark.java_gateway import launch_gateway

SETTINGS = {
    "spark.authenticate": "true",
    "spark.authenticate.secret": "in-the-environment",
    "spark.network.crypto.enabled": "true",
    "spark.ui.reverseProxy": "true",  # a client of HTTP in the master, with all that TLS needs
    "spark.metrics.conf.*.source.jvm.class": "org.apache.spark.metrics.source.JvmSource",
}
# Those of masters that elect one of them, and of main programs.
CLASSES = (
    "org.apache.curator.framework.CuratorFrameworkFactory",
    "org.apache.zookeeper.ZooKeeper",
    "org.apache.spark.deploy.master.MasterArguments",
    "org.apache.spark.deploy.worker.WorkerArguments",
    "org.apache.spark.util.SignalUtils$ActionHandler",
)
PATIENCE_S = 60


def settings(jvm: Any) -> Any:  # noqa: ANN401  # py4j's own
    """What sparkspace sets, of that which other classes do."""
    conf = jvm.org.apache.spark.SparkConf()
    for name, value in SETTINGS.items():
        conf.set(name, value)
    return conf


def start(gateway: Any) -> str:  # noqa: ANN401
    """Start both, by what their own main programs call. Gives the URL of the master's page."""
    jvm, conf = gateway.jvm, settings(gateway.jvm)
    deploy, none = jvm.org.apache.spark.deploy, jvm.scala.Option.empty()
    master = deploy.master.Master.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, conf)
    urls = gateway.new_array(jvm.java.lang.String, 1)
    urls[0] = f"spark://{master._1().address()}"
    deploy.worker.Worker.startRpcEnvAndEndpoint("127.0.0.1", 0, 0, 1, 512, urls, os.getcwd(), none, conf, none)
    return f"http://127.0.0.1:{master._2()}"


def has_worker(page: str) -> bool:
    """Look, as our own parts do."""
    with urllib.request.urlopen(f"{page}/json/", timeout=PATIENCE_S) as reply:
        return bool(json.load(reply)["aliveworkers"])


def main() -> None:
    """Everything, once."""
    gateway = launch_gateway()  # type: ignore[no-untyped-call]
    page = start(gateway)
    loader = gateway.jvm.java.lang.Thread.currentThread().getContextClassLoader()
    for name in CLASSES:
        gateway.jvm.java.lang.Class.forName(name, True, loader)
    since = time.monotonic()
    while not has_worker(page):
        if time.monotonic() - since > PATIENCE_S:
            sys.exit(f"no worker after {PATIENCE_S} s")
        time.sleep(0.2)
    urllib.request.urlopen(page, timeout=PATIENCE_S).close()


if __name__ == "__main__":
    main()
