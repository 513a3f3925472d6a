"""A project that Maven compiles, beside a shell: tests/jvm/maven is the project."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .shell import HOME, Shell

pytestmark = [pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(3600)]
SOURCES = "src/main/scala/demo"
VECTOR = """\
package demo

class Vector2D(val x: Double, val y: Double) extends Serializable {{
  def length: Double = {}
}}
"""
RIDE = """\
package demo

case class Ride(km: Int, {} = {})

object Fares {{
  def of(ride: Ride): Int = ride.km * {}
}}
"""
ADDED = "package demo\n\nobject Added{} {{\n  def hi(x: Int): Int = x + {}\n}}\n"
ROUNDS = 8  # of four edits each


class Maven:
    """The project in a folder of the test's own, and a shell there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compile()
        self.shell = Shell(folder)

    def edit(self, **sources: str) -> None:
        """Write sources, delete those that are empty, and compile."""
        for name, text in sources.items():
            path = self.folder / SOURCES / f"{name}.scala"
            path.write_text(text) if text else path.unlink()
        self.compile()

    def compile(self) -> None:
        """``mvn compile``, with the Scala of the shell."""
        (library,) = (HOME / "jars").glob("scala-library-*.jar")
        scala = library.stem.removeprefix("scala-library-")
        command = ["mvn", "--quiet", "--batch-mode", f"-Dscala.version={scala}", "compile"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr

    def answers(self, line: str) -> str:
        """What a line gives, without its name and its type."""
        said = self.shell.run(line)
        found = re.search(r"res\d+: .* = (.*)$", said, re.MULTILINE)
        assert found, said
        return found[1]


@pytest.fixture
def maven(tmp_path: Path) -> Iterator[Maven]:
    if shutil.which("mvn") is None:
        pytest.skip("there is no Maven here: scripts/setup dev all, or apt-get install maven")
    shutil.copytree(Path(__file__).with_name("maven"), tmp_path / "project")
    made = Maven(tmp_path / "project")
    with made.shell:
        yield made


def test_thirty_edits(maven: Maven) -> None:
    """Each round edits a method and a case class, adds a class and deletes one."""
    lengths = "sc.parallelize(Seq((3, 4), (5, 12)), 2).map(p => new demo.Vector2D(p._1, p._2).length).collect().toList"
    assert maven.answers(lengths) == "List(5.0, 13.0)"
    maven.edit(Added0=ADDED.format(0, 0))
    for number in range(1, ROUNDS + 1):
        maven.edit(
            Vector2D=VECTOR.format(f"x + y + {number}"),
            Ride=RIDE.format(f"tip{number}: Int", number, number),
            **{f"Added{number}": ADDED.format(number, number), f"Added{number - 1}": ""},
        )
        assert maven.answers(lengths) == f"List({7.0 + number}, {17.0 + number})"
        assert maven.answers("new demo.Vector2D(3, 4).length") == str(7.0 + number)
        rides = f"Seq(1, 2).toDS.map(demo.Ride(_)).map(r => demo.Fares.of(r) + r.tip{number}).collect().toList"
        assert maven.answers(rides) == f"List({number * 2}, {number * 3})"
        assert maven.answers("demo.Ride(7)") == f"Ride(7,{number})"
        added = f"sc.parallelize(Seq(1, 2), 2).map(demo.Added{number}.hi(_)).collect().toList"
        assert maven.answers(added) == f"List({1 + number}, {2 + number})"
        said = maven.shell.run(f"demo.Added{number - 1}.hi(1)")
        assert f"Added{number - 1} is not a member of package demo" in said
