"""``sparkspace.session()`` on a box's cluster: a script, and a shell in which the code is edited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from ..jvm.shell import Shell
from .conftest import Box, clean_environment, copy_of_repository

pytestmark = pytest.mark.box

LIBRARY = "def rate(x):\n    return x * 10\n"
JOB = """\
import sparkspace
from fares import table

spark = sparkspace.session()
found = spark.sparkContext.parallelize(range(100), 8).map(table.rate).sum()
print("sum", found, spark.sparkContext.master, spark.sparkContext.appName)
print(sparkspace.shipped())
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A master, two workers, and a library in the app's folder."""
    box = copy_of_repository(tmp_path_factory.mktemp("session") / "app")
    library = box.folder / "jobs" / "fares"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("")
    (library / "table.py").write_text(LIBRARY)
    (box.folder / "jobs" / "job.py").write_text(JOB)
    box("up", "--detach", "--workers", "2")
    box("wait", "--workers", "2")
    yield box
    box("down")


@pytest.mark.parametrize("program", ["bin/spark-submit", "PYTHONPATH=. .venv/bin/python3"])
def test_a_script_brings_its_library(box: Box, program: str) -> None:
    out = box.out("run", f"{program} jobs/job.py")
    assert "sum 49500 spark://1.master.sparkspace.app.localspace:7077 job" in out
    assert re.search(r"executor .+: [0-9a-f]{12} \d+ times", out)


def test_an_edit_in_a_shell(box: Box) -> None:
    shell = pexpect.spawn(
        box.launcher, ["run", "cd jobs && ../bin/pyspark"], cwd=str(box.folder), env=clean_environment(),
        encoding="utf-8", timeout=120, dimensions=(50, 200),
    )  # fmt: skip
    shell.expect(">>> ")

    def said(line: str, answer: str) -> None:
        shell.sendline(line)
        shell.expect_exact(answer)
        shell.expect(">>> ")

    said("from fares import table; from fares.table import rate", "")
    said("r = sc.parallelize(range(100), 8)", "")
    said("r.map(rate).sum()", "49500")
    edit = "import pathlib; p = pathlib.Path('fares/table.py'); n = p.write_text('def rate(x):\\n    return x * {}\\n')"
    said(edit.format(20), "")
    said("'driver', rate(1), table.rate(1)", "('driver', 20, 20)")
    said("r.map(rate).sum(), r.map(lambda x: table.rate(x)).sum()", "(99000, 99000)")
    said(edit.format("30 +"), "")
    said("r.map(rate).sum()", "SyntaxError: invalid syntax")
    said("r.map(rate).sum()", "99000")
    said("import sparkspace; sparkspace.hotdeploy()", "The version before goes on.")
    said(edit.format(30), "")
    said("sparkspace.hotdeploy()", "executor ")
    said("r.map(rate).sum()", "148500")
    shell.sendline("exit()")
    shell.expect(pexpect.EOF)


def test_classes_that_are_compiled_in_the_dyno(box: Box) -> None:
    """Java's compiler and Scala's, between lines of ``bin/spark-shell``; executors on both workers run the result."""
    job = "sc.parallelize(1 to 8, 8).map { x => Thread.sleep(300); (SparkEnv.get.executorId, demo.Rates.of(x)) }"
    command = [box.launcher, "run", "cd jobs && ../bin/spark-shell"]
    with Shell(box.folder, command=command, env=clean_environment()) as shell:
        shell.run("import java.nio.file._, org.apache.spark.SparkEnv, sys.process._")
        shell.run('Files.createDirectories(Path.of("target/classes"))')
        for number in (2, 3):
            java = f"package demo; public class Fares {{ public static int of(int x) {{ return x * {number}; }} }}"
            shell.run(f'Files.writeString(Path.of("Fares.java"), "{java}")')
            assert "Int = 0\n" in shell.run('"javac -d target/classes Fares.java".!')
            scala = f"package demo; object Rates {{ def of(x: Int) = Fares.of(x) + {number} }}"
            shell.run(f'Files.writeString(Path.of("Rates.scala"), "{scala}")')
            words = '"-usejavacp", "-cp", "target/classes", "-d", "target/classes", "Rates.scala"'
            assert "Boolean = true" in shell.run(f"scala.tools.nsc.Main.process(Array({words}))")
            found = re.findall(r"\((\d+),(\d+)\)", shell.run(f"{job}.collect().mkString"))
            assert sorted(int(each) for _, each in found) == [x * number + number for x in range(1, 9)]
            assert len({executor for executor, _ in found}) == 2
        assert "HotDeploy = version " in shell.run("sc.hotdeploy")


def test_the_folder_of_the_shim_has_nothing_else() -> None:
    root = Path(__file__).resolve().parent.parent.parent
    folder = root / "sparkspace" / "code" / "python"
    assert {path.name for path in folder.iterdir() if path.name != "__pycache__"} == {
        "sparkspace", "sparkspace_daemon.py", "sparkspace_startup.py",
    }  # fmt: skip
