"""A laptop pushes to a session of a real driver on a real cluster, and executors load a class from the class server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest

from .conftest import Box, until

pytestmark = [pytest.mark.box, pytest.mark.spark]

# The class of "How Spark does Class Loading", as what SQL can call.
VECTOR = """\
package org.example;
public class Vector2D implements org.apache.spark.sql.api.java.UDF2<Double, Double, String> {
  public String call(Double x, Double y) {
    return getClass().getClassLoader().getClass().getSimpleName() + " " + Norm.of(x, y);
  }
}
class Norm { static double of(double x, double y) { return Math.sqrt(x * x + y * y); } }
"""
# Nothing of it is on the class path of executors. The driver has a copy, which is not below a folder that is served.
CLASSES = """\
import json, os, sys
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType
from sparkspace.code import url_of
url = url_of("org.example.Vector2D")
spark = SparkSession.builder.config("spark.repl.class.uri", url.partition("/org/")[0]).getOrCreate()
spark.udf.registerJavaFunction("norm", "org.example.Vector2D", StringType())
rows = spark.sql("select * from values (3d, 4d), (5d, 12d), (8d, 15d), (7d, 24d) as t(x, y)").repartition(4)
found = sorted(row[0] for row in rows.selectExpr("norm(x, y)").collect())
print("RESULT", json.dumps({"lengths": found, "url": url}))
"""
DRIVER = """\
import json, os, sys, time
from sparkspace.code.pushed import Pushed
pushed = Pushed.from_env(os.environ, "ann")
seen = []
while len(seen) < 2:
    before = time.perf_counter()
    folder = pushed.look()
    took = time.perf_counter() - before
    if folder and pushed.version not in [each["version"] for each in seen]:
        sys.path.insert(0, str(folder))
        sys.modules.pop("mylib", None)
        import mylib
        from pyspark import cloudpickle
        from pyspark.sql import SparkSession
        cloudpickle.register_pickle_by_value(mylib)
        context = SparkSession.builder.getOrCreate().sparkContext
        answer = context.parallelize(range(8), 4).map(mylib.answer).collect()
        seen.append({"version": pushed.version, "answer": sorted(set(answer))})
        print("RAN", answer, flush=True)
    time.sleep(0.05)
print("RESULT", json.dumps(seen), flush=True)
"""


@pytest.fixture(scope="module")
def serving(cluster: Box) -> Iterator[Box]:
    """The cluster, with a class server that has a compiled class."""
    compiled = cluster.folder / "target" / "classes"
    compiled.mkdir(parents=True)
    source = cluster.folder / "Vector2D.java"
    source.write_text(VECTOR)
    jars = Path(str(pyspark.__file__)).parent / "jars"
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", compiled, source], check=True, timeout=120)
    cluster("scale", "classserver=1")
    until(lambda: any("at=serving" in line and "app[classserver.1]" in line for line in cluster.log()))
    try:
        yield cluster
    finally:
        cluster("scale", "classserver=0")


def result(box: Box, dyno: str = "") -> Any:  # noqa: ANN401
    """What a job printed at its end."""
    lines = [line for line in box.log() if "RESULT " in line and (not dyno or f"app[{dyno}]" in line)]
    return json.loads(lines[-1].partition("RESULT ")[2])


def test_executors_load_a_class_from_the_class_server(serving: Box) -> None:
    """There is no driver to ask: it serves no classes of its own, and the class is on no executor's class path."""
    command = (
        "cp -r target /tmp/copy && rm -rf target && cat > /tmp/job.py && "
        "bin/spark-submit --driver-class-path /tmp/copy/classes /tmp/job.py"
    )
    done = serving("run", command, stdin=CLASSES)
    found = json.loads(done.stdout.partition("RESULT ")[2])
    assert found["lengths"] == [f"ExecutorClassLoader {length}" for length in ("13.0", "17.0", "25.0", "5.0")]
    assert found["url"].endswith("/release/classes/org/example/Vector2D.class")
    assert re.match(r"http://1\.classserver\.sparkspace\.app\.localspace:7090/read/[0-9a-f]{40}/", found["url"])
    fetched = serving.out(
        "run", f"curl -sS --fail '{found['url']}' | sha256sum; sha256sum < target/classes/org/example/*D.class"
    )
    assert len(set(fetched.split("\n")) - {""}) == 1


def test_a_class_server_answers_nobody_without_the_secret(serving: Box) -> None:
    base = "http://1.classserver.sparkspace.app.localspace:7090"
    asked = " ".join(f"{base}{path}" for path in ("/list", "/sessions", "/classes/org/example/Vector2D.class", "/"))
    statuses = serving.out("run", f"curl -s -o /dev/null -w '%{{http_code}} ' {asked}")
    assert statuses.split() == ["401"] * 4
    assert (
        serving.out("run", f"curl -s -o /dev/null -w '%{{http_code}}' {base}/read/x/release/classes/a").strip() == "404"
    )


def test_a_driver_runs_what_a_laptop_pushes(serving: Box, tmp_path: Path) -> None:
    library = tmp_path / "mylib"
    library.mkdir()

    def push(answer: int) -> str:
        (library / "__init__.py").write_text(f"def answer(_):\n    return {answer}\n")
        until(lambda: serving("push", "--to", "ann", str(library), code=None).returncode == 0)
        return serving.out("push", str(library))  # the one that is open

    serving("run", "--detach", f"cat > /tmp/job.py <<'END'\n{DRIVER}\nEND\nbin/spark-submit /tmp/job.py")
    driver = next(name for name in serving.dynos() if name.startswith("run."))
    first = push(41)
    assert re.fullmatch(r"pushed 0 files of 1, version [0-9a-f]{7}, \d\.\d\d s\n", first)
    until(lambda: any("RAN [41, 41" in line for line in serving.log()), timeout_s=60)
    (shown,) = json.loads(serving.out("status", "--json"))["pushed"]
    assert (shown["session"], shown["by"], shown["files"]) == ("ann", "spark", 1)
    assert f"{driver}/" in shown["drivers"][0][0] and shown["drivers"][0][1] == shown["version"]
    push(42)
    until(lambda: any("RESULT" in line and f"app[{driver}]" in line for line in serving.log()), timeout_s=60)
    assert [each["answer"] for each in result(serving, driver)] == [[41], [42]]
    until(lambda: json.loads(serving.out("status", "--json"))["pushed"] == [])
