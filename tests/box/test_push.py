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

# The class of "How Spark does Class Loading", as what SQL can call, and what it needs. It tells who loaded it.
VECTOR = """\
package org.example;
public class Vector2D implements org.apache.spark.sql.api.java.UDF2<Double, Double, String> {
  public String call(Double x, Double y) {
    return getClass().getClassLoader().getClass().getSimpleName() + " " + Norm.of(x, y);
  }
}
class Norm { static double of(double x, double y) { return Math.sqrt(x * x + y * y); } }
"""
# The driver has a copy of the class, which is in no folder that is served; executors have none. Then it runs a library,
# which the release has, until that has given three answers.
DRIVER = """\
import json, time
import mylib
import sparkspace
from pyspark.sql.functions import udf
from sparkspace.code import url_of

url = url_of("org.example.Vector2D")
spark = sparkspace.session(push="ann", conf={"spark.repl.class.uri": url.partition("/org/")[0]})
spark.udf.registerJavaFunction("norm", "org.example.Vector2D", "string")
rows = spark.sql("select * from values (3d, 4d), (5d, 12d), (8d, 15d), (7d, 24d) as t(x, y)").repartition(4)
norms = sorted(row[0] for row in rows.selectExpr("norm(x, y)").collect())
print("LOADED", json.dumps({"norms": norms, "url": url}), flush=True)

rdd = spark.sparkContext.parallelize(range(8), 4).map(mylib.answer)
frame = spark.range(0, 8, 1, 4).select(udf(lambda x: mylib.answer(x), "int")("id").alias("found"))
answers = []
while len(answers) < 3:
    found = {*rdd.collect(), *(row.found for row in frame.collect()), mylib.answer(0)}
    if len(found) == 1 and found not in answers:  # a push may come between two of them
        answers.append(found)
        print("RAN", json.dumps(list(found)), flush=True)
    time.sleep(0.05)
"""
# A driver that runs whatever classes are pushed, until they have given two answers.
JVM_DRIVER = """\
import json, time
import sparkspace

spark = sparkspace.session(push="bob")
answers = []
while len(answers) < 2:
    if sparkspace.hotdeploy().classes:
        if not answers:
            spark.udf.registerJavaFunction("answer", "org.example.Answer", "int")
        found = [row[0] for row in spark.sql("select answer(id) from range(0, 8, 1, 4)").collect()]
        if found not in answers:
            answers.append(found)
            print("CLASSES", json.dumps(found), flush=True)
    time.sleep(0.05)
"""
ANSWER = """\
package org.example;
public class Answer implements org.apache.spark.sql.api.java.UDF1<Long, Integer> {
  public Integer call(Long x) { return NUMBER; }
}
"""
LIBRARY = "def answer(_):\n    return {}\n"


def compile_java(folder: Path, name: str, text: str) -> Path:
    """The folder of its classes, as Maven has it."""
    classes, source = folder / "target" / "classes", folder / f"{name}.java"
    classes.mkdir(parents=True, exist_ok=True)
    source.write_text(text)
    jars = Path(str(pyspark.__file__)).parent / "jars"
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", classes, source], check=True, timeout=120)
    return classes


@pytest.fixture(scope="module")
def serving(cluster: Box) -> Iterator[Box]:
    """The cluster, with a class server that has a compiled class, and a driver that waits for what is pushed."""
    compiled = cluster.folder / "target" / "classes"
    compiled.mkdir(parents=True)
    source = cluster.folder / "Vector2D.java"
    source.write_text(VECTOR)
    javac(source, compiled)
    cluster("scale", "classserver=1")
    job = cluster.folder / "job"
    (job / "mylib").mkdir(parents=True)
    (job / "mylib" / "__init__.py").write_text(LIBRARY.format(40))
    (job / "job.py").write_text(DRIVER)
    moved = "cp -r target /tmp/copy && rm -rf target"
    submit = "bin/spark-submit --driver-class-path /tmp/copy/classes job/job.py"
    cluster("run", "--detach", f"{moved} && {submit}")
    try:
        yield cluster
    finally:
        cluster("scale", "classserver=0")


def javac(source: Path, into: Path) -> None:
    """Compile a file of Java."""
    jars = Path(str(pyspark.__file__)).parent / "jars"
    subprocess.run(["javac", "-cp", f"{jars}/*", "-d", into, source], check=True, timeout=120)


def printed(box: Box, word: str, number: int = 1) -> Any:  # noqa: ANN401
    """What the driver prints after a word, once it has done so so many times."""

    def found() -> list[str]:
        return [line.partition(f": {word} ")[2] for line in box.log() if f": {word} " in line]

    until(lambda: len(found()) >= number, timeout_s=120)
    return json.loads(found()[number - 1])


def pushes(box: Box) -> list[dict[str, Any]]:
    """What ``status`` says of them."""
    found: list[dict[str, Any]] = json.loads(box("status", "--json").stdout)["pushed"]
    return found


def test_executors_load_a_class_from_the_class_server(serving: Box) -> None:
    found = printed(serving, "LOADED")
    assert found["norms"] == [f"ExecutorClassLoader {norm}" for norm in ("13.0", "17.0", "25.0", "5.0")]
    assert re.match(r"http://1\.classserver\.sparkspace\.app\.localspace:7090/read/[0-9a-f]{40}/", found["url"])
    serving("run", f"curl -sS --fail '{found['url']}' | cmp - target/classes/org/example/Vector2D.class")


def test_a_class_server_answers_nobody_without_the_secret(serving: Box) -> None:
    base = "http://1.classserver.sparkspace.app.localspace:7090"
    asked = " ".join(f"{base}{path}" for path in ("/list", "/sessions", "/classes/org/example/Vector2D.class", "/"))
    asked += f" {base}/read/x/release/classes/a"
    statuses = serving.out("run", f"for url in {asked}; do curl -s -o /dev/null -w '%{{http_code}} ' $url; done")
    assert statuses.split() == [*["401"] * 4, "404"]


def test_a_session_runs_what_a_laptop_pushes(serving: Box, tmp_path: Path) -> None:
    """What was made of the release's library runs the laptop's, at the next action, in a script too."""
    library = tmp_path / "mylib"
    library.mkdir()
    (library / "__init__.py").write_text(LIBRARY.format(41))
    assert printed(serving, "RAN") == [40]
    first = serving.out("push", str(library))  # to the session that is open
    assert re.fullmatch(r"pushed 1 file of 1, version [0-9a-f]{7}, \d+\.\d\d s\n", first)
    assert printed(serving, "RAN", 2) == [41]
    (shown,) = pushes(serving)
    assert (shown["session"], shown["by"], shown["files"]) == ("ann", "spark", 1)
    until(lambda: pushes(serving)[0]["drivers"][0][1] == shown["version"])
    (library / "__init__.py").write_text(LIBRARY.format(42))
    serving("push", "--to", "ann", str(library))
    assert printed(serving, "RAN", 3) == [42]
    until(lambda: pushes(serving) == [])  # the driver has ended
    assert "No session 'ann' is open" in serving("push", "--to", "ann", str(library), code=76).stderr


def test_a_session_runs_classes_that_a_laptop_pushes(serving: Box, tmp_path: Path) -> None:
    """Two versions of a function in SQL, on executors that have neither on their class path."""
    (serving.folder / "job" / "classes.py").write_text(JVM_DRIVER)
    serving("run", "--detach", "rm -rf target && bin/spark-submit job/classes.py")  # the release has classes, too
    until(lambda: any("at=pushed session=bob version=none" in line for line in serving.log()))
    for number, value in enumerate((41, 42), 1):
        classes = compile_java(tmp_path, "Answer", ANSWER.replace("NUMBER", str(value)))
        serving("push", "--to", "bob", str(classes))
        assert printed(serving, "CLASSES", number) == [value] * 8
