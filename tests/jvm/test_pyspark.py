"""JVM functions of a PySpark session: recompiled, and used by SQL, by the gateway, and beside Python functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from buildpack import versions

from .. import spark_lines
from .shell import HOME

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT = versions.default().version

pytestmark = pytest.mark.spark

DRIVER = """
import json, subprocess, sys
import sparkspace
from pathlib import Path

import fares
from pyspark.sql.functions import udf

spark = sparkspace.session(master="local-cluster[2,1,1024]", auto=True, conf={"spark.ui.enabled": "false"})
spark.sparkContext.setLogLevel("ERROR")
said = []


def compiled(factor):
    source = Path("F.scala")
    source.write_text(
        "package demo\\nclass F extends org.apache.spark.sql.api.java.UDF1[java.lang.Long, java.lang.Long] {\\n"
        f"  def call(x: java.lang.Long): java.lang.Long = x * {factor}\\n}}\\n"
        f"object F {{ def hello = \\"hello {factor}\\" }}\\n"
    )
    Path("target/classes").mkdir(parents=True, exist_ok=True)
    home = sys.argv[1]
    subprocess.run(
        ["java", "-Xss4m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{home}/jars/*",
         "scala.tools.nsc.Main", "-usejavacp", "-nowarn", "-d", "target/classes", str(source)],
        check=True,
    )
    return sparkspace.hotdeploy().classes


rate = udf(fares.rate, "long")
versions = []
for factor in (2, 3):
    versions.append(compiled(factor))
    if factor == 2:
        spark.udf.registerJavaFunction("f", "demo.F")
        spark.range(0, 100, 1, 4).createOrReplaceTempView("t")
    row = spark.sql("select sum(f(id)) from t").first()[0]
    mixed = spark.range(0, 100, 1, 4).selectExpr("f(id) as x").select(rate("x")).groupBy().sum().first()[0]
    said.append([row, mixed, spark.sparkContext._jvm.demo.F.hello()])
from sparkspace.code import jvm

jvm.go(spark, versions[0].split()[0])
said.append(spark.sql("select sum(f(id)) from t").first()[0])
print("said", json.dumps(said))
"""


@pytest.mark.parametrize("version", [DEFAULT, *spark_lines.others()])
def test_a_function_that_is_compiled_again(version: str, tmp_path: Path) -> None:
    (tmp_path / "fares.py").write_text("def rate(x):\n    return x + 1\n")
    (tmp_path / "driver.py").write_text(DRIVER)
    python = Path(sys.executable) if version == DEFAULT else spark_lines.python_with(version)
    home = HOME if version == DEFAULT else spark_lines.spark_home(python)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK", "PYSPARK"))}
    env = kept if version == DEFAULT else spark_lines.clean(version)
    done = subprocess.run(
        [python, "driver.py", str(home)], cwd=tmp_path, capture_output=True, text=True, timeout=400,
        env={
            **env,
            "PYTHONPATH": str(ROOT / "sparkspace" / "code" / "python"),
            "SPARK_HOME": str(spark_lines.linked(home, tmp_path / "spark")),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(tmp_path / "local"),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    said = next(line for line in done.stdout.splitlines() if line.startswith("said "))
    assert json.loads(said.removeprefix("said ")) == [
        [9900, 10000, "hello 2"],
        [14850, 14950, "hello 3"],
        9900,
    ]
