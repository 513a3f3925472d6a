"""Hot deploy in a real spark-shell, on two executors that are JVMs of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.shell import Shell

pytestmark = pytest.mark.spark
VECTOR = """\
package demo
class Vector2D(val x: Double, val y: Double) extends Serializable {{ def length = {} }}
"""
PAIR = "package demo\ncase class Pair({})\nobject Work {{ def of(x: Int) = {} }}\n"
OTHER = """\
package demo
class Other(val n: Int) extends Serializable { def twice = n * 2 }
object Count { var n = 0 }
"""
POINTS = "val points = sc.parallelize(Seq((3, 4), (5, 12), (8, 15), (7, 24)), 4)"
LENGTHS = "points.map(p => new Vector2D(p._1, p._2)).map(_.length).collect()"


class Project:
    """Sources of Scala, and a shell beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shell = Shell(folder)

    def write(self, **sources: str) -> None:
        """Write sources, and compile all. An empty one is deleted."""
        for name, text in sources.items():
            path = self.folder / f"{name}.scala"
            path.write_text(text) if text else path.unlink()
        self.shell.compile(self.folder)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("project"))
    made.write(
        Vector=VECTOR.format("Math.sqrt(x * x + y * y)"),
        Other=OTHER,
        Pair=PAIR.format("a: Int", "x + 1"),
    )
    with made.shell:
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
    assert "Array([2], [3])" in run('sql("select work(a) from pairs order by a").collect()')

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
    )
    assert "Pair(2,z!), Pair(3,q!)" in run(
        'Seq(Pair(1), Pair(2, "q")).toDS.map(p => Pair(p.a + 1, p.b + "!")).collect()'
    )
    assert "Pair(3,z), Pair(5,z)" in run("points.map(p => Pair(p._1)).collect()")
    assert "hello" in run("new demo.deeper.Fresh().hi")
    assert "Int = 1\n" in run("Work.fresh")
    assert "101" in run("helper(1)")  # a method of an earlier line
    assert "Array([101], [102])" in run('sql("select work(a) from pairs order by a").collect()')
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
    run("sc.hotdeploy.auto = false")
    project.write(Pair=PAIR.format("a: Int", "x + 5000"))
    assert "Hot deploy" not in run("1 + 1")
    assert "Hot deploy: version" in run("sc.hotdeploy")
    assert "5001, 5002" in run("sc.parallelize(1 to 2).map(demo.Work.of).collect()")
    run("sc.hotdeploy.auto = true")


@pytest.mark.long
def test_thirty_edits(project: Project) -> None:
    """Thirty of thirty, each on both executors, in an RDD and in a Dataset."""
    for number in range(30):
        project.write(Pair=PAIR.format(f"a: Int, b{number}: Int = 0", f"x * {number}"))
        said = project.shell.run("sc.parallelize(1 to 4, 4).map(demo.Work.of).collect().toSeq")
        assert f"({', '.join(str(x * number) for x in range(1, 5))})" in said
        said = project.shell.run(
            f"spark.range(4).map(i => demo.Pair(i.toInt, {number})).map(p => p.b{number}).collect().toSeq"
        )
        assert f"({', '.join([str(number)] * 4)})" in said


@pytest.mark.long
def test_a_jar_has_the_classes_too(project: Project) -> None:
    """As the recipe of old: ``--jars FAT_JAR``. New classes win over it, on the driver and on executors."""
    project.write(Pair=PAIR.format("a: Int", "x + 1"))
    fat = shutil.make_archive(str(project.folder / "fat"), "zip", project.folder / "target" / "classes")
    jar = str(Path(fat).rename(project.folder / "fat.jar"))
    with Shell(project.folder, "--jars", jar) as shell:
        assert "true" in shell.run('sc.getConf.get("spark.executor.userClassPathFirst")')
        assert "(2, 3)" in shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")
        project.write(Pair=PAIR.format("a: Int", "x + 70"))
        assert "(71, 72)" in shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")
        assert "71" in shell.run("demo.Work.of(1)")


@pytest.mark.long
def test_a_jar_that_wins_is_an_error(project: Project) -> None:
    """Executors that would run the jar's class are found out; the line that would have run it is not."""
    project.write(Pair=PAIR.format("a: Int", "x + 1"))
    fat = shutil.make_archive(str(project.folder / "fat"), "zip", project.folder / "target" / "classes")
    jar = str(Path(fat).rename(project.folder / "fat.jar"))
    first = ("--jars", jar, "--conf", "spark.executor.userClassPathFirst=false")
    with Shell(project.folder, *first) as shell:
        project.write(Pair=PAIR.format("a: Int", "x + 80"))
        said = shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")
        assert "does not run version" in said and "userClassPathFirst=true" in said and "The line was not run" in said


@pytest.mark.long
def test_a_hundred_versions_leave_little(project: Project) -> None:
    """Executors forget loaders, and temporary files are those of the last versions alone."""
    ask = (
        "sc.parallelize(1 to 4, 4).map { _ => System.gc(); org.apache.spark.SparkEnv.get.executorId -> "
        "java.lang.management.ManagementFactory.getClassLoadingMXBean.getLoadedClassCount }.collect().toMap.values.max"
    )
    counts = []
    for number in range(100):
        project.write(Pair=PAIR.format("a: Int", f"x * {number}"))
        project.shell.run("sc.parallelize(1 to 4, 4).map(demo.Work.of).collect()")
        if number in (20, 99):
            counts.append(int(project.shell.run(ask).split("=")[-1].split()[0]))
    assert counts[1] < counts[0] + 200, counts
    jars = project.shell.run(
        'new java.io.File(System.getProperty("java.io.tmpdir")).listFiles.filter(_.getName.startsWith("hotdeploy"))'
        '.flatMap(_.listFiles).count(_.getName.endsWith(".jar"))'
    )
    assert int(jars.split("=")[-1].split()[0]) <= 10
