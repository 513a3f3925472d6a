"""The plugin by which drivers ask for a master for longer, where there is none (jvm/main/Patience.scala)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.spark
PATIENCE = "org.apache.spark.sparkspace.Patience"
SCRIPT = """\
import json
from pyspark import SparkContext

for _ in range(2):
    sc = SparkContext()
    conf = {each._1(): each._2() for each in sc._jsc.sc().conf().getAll()}
    threads = [thread.getName() for thread in sc._jvm.Thread.getAllStackTraces().keySet()]
    print(json.dumps([{name: conf[name] for name in conf if "plugins" in name}, "sparkspace-patience" in threads]))
    sc.stop()
"""


def test_executors_hear_nothing_of_it() -> None:
    """Who has plugins of their own keeps them. A second context in the same JVM is as the first."""
    given = {"spark.plugins.defaultList": PATIENCE, "spark.plugins": PATIENCE}
    flags = [f"--conf {name}={value}" for name, value in given.items()]
    env = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": " ".join(["--master local[1] --name test", *flags, "pyspark-shell"]),
    }
    done = subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, **env}, capture_output=True, text=True)
    left = {"spark.plugins": PATIENCE}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[left, False]] * 2, done.stderr
