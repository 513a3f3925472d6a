"""Many versions of a project in one shell: each is right, and little stays of those before."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .project import PAIR, Project

pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(3600)]
VERSIONS, FROM = 100, 20
# Of a JVM, after a collection: its process, how many classes it has, and the bytes that these take.
WEIGHED = (
    "def weighed = { System.gc(); import java.lang.management.ManagementFactory._; (ProcessHandle.current.pid, "
    "getClassLoadingMXBean.getLoadedClassCount, { import scala.jdk.CollectionConverters._; "
    'getMemoryPoolMXBeans.asScala.find(_.getName == "Metaspace").get.getUsage.getUsed }) }'
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Project(tmp_path_factory.mktemp("soak")) as made:
        yield made


def test_thirty_edits(project: Project) -> None:
    """Thirty of thirty, each on both executors, in an RDD and in a Dataset."""
    for number in range(30):
        project.write(Pair=PAIR.format(f"a: Int, b{number}: Int = 0", f"x * {number}"))
        assert project.job() == tuple(x * number for x in range(1, 5))
        line = f"spark.range(4).map(i => demo.Pair(i.toInt, {number})).map(p => p.b{number}).collect().toSeq"
        assert f"({', '.join([str(number)] * 4)})" in project.shell.run(line)


def jar_of(project: Project) -> tuple[str, str]:
    """``--jars`` with all classes of a project as they are now."""
    project.write(Pair=PAIR.format("a: Int", "x + 1"))
    fat = shutil.make_archive(str(project.folder / "fat"), "zip", project.folder / "target" / "classes")
    return "--jars", str(Path(fat).rename(project.folder / "fat.jar"))


def test_a_jar_has_the_classes_too(project: Project) -> None:
    """As the recipe of old: ``--jars FAT_JAR``. New classes win over it, on the driver and on executors."""
    first = jar_of(project)
    (project.folder / "first.scala").write_text("def early(x: Int) = demo.Work.of(x)\n")
    with Project(project.folder, *first, "-i", "first.scala") as other:
        assert "true" in other.shell.run('sc.getConf.get("spark.executor.userClassPathFirst")')
        assert other.job() == (2, 3, 4, 5)
        assert other.number("early(1)") == 2
        (project.folder / "first.scala").unlink()
        other.write(Pair=PAIR.format("a: Int", "x + 70"))
        assert other.job() == (71, 72, 73, 74)
        assert other.number("demo.Work.of(1)") == 71
        assert other.number("early(1)") == 71


def test_a_jar_that_wins_is_an_error(project: Project) -> None:
    """Executors that would run the jar's class are found out; the line that would have run it is not."""
    first = jar_of(project)
    with Project(project.folder, *first, "--conf", "spark.executor.userClassPathFirst=false") as other:
        other.write(Pair=PAIR.format("a: Int", "x + 80"))
        said = other.shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")
        assert "does not run version" in said and "userClassPathFirst=true" in said and "The line was not run" in said
        assert "The line was not run" in other.shell.run("demo.Work.of(1)"), "nor is the next"
        other.shell.run('sc.hotdeploy("off")')
        assert other.number("demo.Work.of(1)") == 2, "as before, everywhere"
        assert "(2, 3)" in other.shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")


def test_a_first_version_that_is_refused_leaves_the_shell_as_it_was(project: Project, tmp_path: Path) -> None:
    """There is no class directory when the shell starts, so nobody has said that its classes win."""
    first = jar_of(project)
    with Project(tmp_path, *first) as other:
        other.write(Pair=PAIR.format("a: Int", "x + 90"))
        assert "The line was not run" in other.shell.run("demo.Work.of(1)")
        other.shell.run('sc.hotdeploy("off")')
        assert other.number("demo.Work.of(1)") == 2
        assert "(2, 3)" in other.shell.run("sc.parallelize(1 to 2).map(demo.Work.of).collect().toSeq")
        other.shell.run("val later = 7")
        assert other.number("later * 6") == 42


def test_a_compiler_that_takes_its_time(project: Project) -> None:
    """What is read when half of it is written is no version: nobody can go back to it."""
    project.write(Pair=PAIR.format("a: Int", "x + 1"), Other="package demo\nobject Other { def of(x: Int) = x + 1 }\n")
    assert "2" in project.shell.run("demo.Other.of(1)")
    before = latest(project)
    whole = project.folder / "target" / "classes"
    half = shutil.copytree(whole, project.folder / "half")
    project.write(Pair=PAIR.format("a: Int", "x + 2"), Other="package demo\nobject Other { def of(x: Int) = x + 2 }\n")
    after = shutil.copytree(whole, project.folder / "after")
    for tree in (half, after):  # as if a compiler wrote one file after the other
        for path in sorted(tree.rglob("*.class")):
            (whole / path.relative_to(tree)).write_bytes(path.read_bytes())
            if tree is after:
                time.sleep(0.03)
                if path.name == "Other.class":
                    writing = threading.Thread(target=project.shell.run, args=("demo.Work.of(0)",))
                    writing.start()
    writing.join()
    assert project.number("demo.Work.of(1) + demo.Other.of(1)") == 6
    assert latest(project) == before + 1


def latest(project: Project) -> int:
    """The number of the last version that was deployed."""
    return project.number("sc.hotdeploy.versions.last.takeWhile(_ != ' ')")


def weighed(project: Project, where: str) -> tuple[int, int]:
    """The most classes, and bytes of metaspace, that a JVM has."""
    line = {"driver": "Seq(weighed)", "executors": "sc.parallelize(1 to 8, 8).map(_ => weighed).collect().toSeq"}[where]
    found = project.shell.run(f'{line}.map {{ case (_, classes, bytes) => s"|$classes $bytes|" }}.mkString')
    rows = [each.split() for each in found.split("|") if each[:1].isdigit()]
    return max(int(row[0]) for row in rows), max(int(row[1]) for row in rows)


def test_a_hundred_versions_leave_little(project: Project) -> None:
    """Executors forget loaders. A driver keeps its lines, as every shell does, and the classes that they used."""

    def run(factor: int) -> None:
        project.write(Pair=PAIR.format("a: Int", f"x * {factor}"))
        assert project.job() == tuple(x * factor for x in range(1, 5))

    def state() -> tuple[tuple[int, int], int, int, int]:
        return weighed(project, "executors"), weighed(project, "driver")[0], project.files(), len(project.executors())

    project.shell.run(WEIGHED)
    for number in range(FROM):
        run(number)
    before = state()
    for number in range(FROM, VERSIONS):
        run(number)
    after = state()
    for _ in range(FROM):
        run(VERSIONS - 1)  # the same lines, and no version
    without = (state()[1] - after[1]) / FROM
    said = f"{before} {after} {without} classes a round without an edit"
    print(said)
    assert after[0][0] < before[0][0] + 200, said
    assert after[0][1] < before[0][1] + 2_500_000, (
        said
    )  # what HotSpot notes of methods that are run often lies there, too
    assert (after[1] - before[1]) / (VERSIONS - FROM) < without + 6, said  # the project has 4
    assert after[2] < before[2] + 10, said
    assert after[3] == before[3] == 2, said
