"""Hot deploy in a real spark-shell, on two executors that are JVMs of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from buildpack import versions

from .. import spark_lines
from .project import PAIR, VECTOR, Project

pytestmark = pytest.mark.spark
DEFAULT = versions.default().version
OTHER = """\
package demo
class Other(val n: Int) extends Serializable { def twice = n * 2 }
object Count { var n = 0 }
"""
JAVA = """\
package demo
class Times extends org.apache.spark.sql.api.java.UDF1[Integer, Integer] {{ def call(x: Integer) = x * {} }}
"""
FIRST = "val first = 1\ndef added(x: Int) = first + x\n"
POINTS = "val points = sc.parallelize(Seq((3, 4), (5, 12), (8, 15), (7, 24)), 4)"
LENGTHS = "points.map(p => new Vector2D(p._1, p._2)).map(_.length).collect()"


@pytest.fixture(scope="module", params=[DEFAULT, *spark_lines.others()])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    version, folder = request.param, tmp_path_factory.mktemp("project")
    (folder / "first").write_text(FIRST)
    where: dict[str, Any] = {}
    if version != DEFAULT:
        where["home"] = spark_lines.spark_home(spark_lines.python_with(version))
        where["env"] = {"JAVA_HOME": spark_lines.clean(version)["JAVA_HOME"]}
    with Project(folder, "-i", "first", **where) as made:
        made.write(
            Vector=VECTOR.format("Math.sqrt(x * x + y * y)"),
            Other=OTHER,
            Pair=PAIR.format("a: Int", "x + 1"),
            Times=JAVA.format(2),
        )
        if not version.startswith("4.0"):  # that shell reads no -i, with or without us
            assert "42" in made.shell.run("added(41)")
        yield made


def test_the_life_of_a_project(project: Project) -> None:
    """One story: each edit is seen by executors and by the next line, and what it did not touch goes on."""
    run = project.shell.run
    run("import demo._")
    run(POINTS)
    assert "Array(5.0, 13.0, 17.0, 25.0)" in run(LENGTHS)
    run("val other = new Other(4); Count.n = 7")
    run("val pair = Pair(1); val vector = new Vector2D(1, 1)")
    run('val ds = Seq(Pair(1), Pair(2)).toDS; ds.cache().count(); ds.createOrReplaceTempView("pairs")')
    run("def helper(x: Int) = Work.of(x)")
    run("val closure = (x: Int) => Work.of(x)")
    run('spark.udf.register("work", (x: Int) => Work.of(x))')
    run('spark.udf.register("times", new Times, org.apache.spark.sql.types.IntegerType)')
    asked = 'sql("select work(a), times(a) from pairs order by a").collect()'
    assert "Array([2,2], [3,4])" in run(asked)

    # a method
    project.write(Vector=VECTOR.format("x.abs + y.abs"))
    said = run(LENGTHS)
    assert "Hot deploy: version 2" in said and "other than before: demo.Vector2D" in said
    assert "Array(7.0, 17.0, 23.0, 31.0)" in said
    assert "7.0" in run("new Vector2D(3, 4).length")
    assert "15" in run("other.twice + Count.n")  # its class is as it was
    assert "true" in run("pair == Pair(1)")
    said = run("vector.length")
    assert (
        "LinkageError" in said and "vector is of an earlier line, and an object of demo.Vector2D as it was then" in said
    )

    # a case class, a new class, and a method that calls
    project.write(
        Pair=PAIR.format('a: Int, b: String = "z"', "x + 100; def fresh = 1"),
        Fresh='package demo.deeper\nclass Fresh { def hi = "hello" }\n',
        Times=JAVA.format(30),
    )
    assert "Pair(2,z!), Pair(3,q!)" in run(
        'Seq(Pair(1), Pair(2, "q")).toDS.map(p => Pair(p.a + 1, p.b + "!")).collect()'
    )
    assert "Pair(3,z), Pair(5,z)" in run("points.map(p => Pair(p._1)).collect()")
    assert "hello" in run("new demo.deeper.Fresh().hi")
    assert "Int = 1\n" in run("Work.fresh")
    assert "101" in run("helper(1)")  # a method of an earlier line
    assert "Array([101,30], [102,60])" in run(asked)
    assert "closure is of an earlier line, and on the driver runs demo.Work as it was then" in run("closure(1)")
    assert "2" in run('spark.catalog.isCached("pairs"); spark.table("pairs").count()')

    # one that is gone
    project.write(Fresh="")
    assert "error: type Fresh is not a member of package demo.deeper" in run("new demo.deeper.Fresh().hi")

    # one that is cut short is not deployed, and nothing runs
    broken = project.folder / "target" / "classes" / "demo" / "Work.class"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    assert "cut short; nothing was deployed. The line was not run." in run('println("ran" + "!")')
    broken.write_bytes(whole)
    assert "ran!" in run('println("ran" + "!")')


def test_the_way_back(project: Project) -> None:
    run = project.shell.run
    run("import demo._")
    assert "List(1 (" in run("sc.hotdeploy.versions")
    assert "Hot deploy: version 1" in run('sc.hotdeploy("1")')
    assert "Array(5.0, 13.0, 17.0, 25.0)" in run(LENGTHS)
    assert "1.41421356" in run("vector.length")  # an object of that version
    assert "Hot deploy" not in run("sc.hotdeploy")  # nothing is new
    assert "Hot deploy: version 3" in run('spark.hotdeploy("3")')
    assert "Hot deploy: version 2" in run("sc.hotdeploy.rollback")
    assert "Array(7.0, 17.0, 23.0, 31.0)" in run(LENGTHS)
    assert "neither a directory nor a version" in run('sc.hotdeploy("nowhere")')


def test_by_hand(project: Project) -> None:
    run = project.shell.run
    run('sc.hotdeploy("off")')
    project.write(Pair=PAIR.format("a: Int", "x + 5000"))
    assert "Hot deploy" not in run("1 + 1")
    assert "Hot deploy: version" in run("sc.hotdeploy")
    assert "5001, 5002" in run("sc.parallelize(1 to 2).map(demo.Work.of).collect()")
    run('sc.hotdeploy("on")')


def test_an_executor_that_comes_late(project: Project) -> None:
    """It has the version with its first task."""
    assert project.job() == (5001, 5002, 5003, 5004)
    project.replace_executor()
    ask = "sc.parallelize(1 to 8, 8).map(_ => (org.apache.spark.SparkEnv.get.executorId.toInt, demo.Work.of(1)))"
    said = project.shell.run(f"{ask}.collect().toSet.toSeq.sorted.mkString")
    assert re.search(r"\((\d),5001\)\((\d),5001\)\n", said), said


def test_a_shell_that_begins_again(project: Project) -> None:
    """``:reset`` forgets the lines, and not the project."""
    assert "Forgetting" in project.shell.run(":reset")
    assert project.job() == (5001, 5002, 5003, 5004)
    project.write(Pair=PAIR.format("a: Int", "x + 6000"))
    assert project.job() == (6001, 6002, 6003, 6004)
    assert project.number("demo.Work.of(1)") == 6001
    assert "not found: value points" in project.shell.run("points.count()")
