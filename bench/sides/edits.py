"""The driver of bench/iterate.py: edits a library, and runs a job with it, in many ways. Prints a line of JSON a way.

Every way has a package of its own, all alike: 34 files, 37 KB. The time is from before the edit is written to the job's
answer, the driver's own import of the edit included; the answer is checked.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyspark.cloudpickle
from pyspark.sql import SparkSession

import sparkspace
from sparkspace.code.hooks import HOOKS

MODULES = 32
PART = '"""A part of the library."""\n\n' + "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(30))
MARK = "sparkspace-edits "
SLICES = 4

sys.dont_write_bytecode = True  # a .pyc of the same second would be taken for the edited file's
home = Path(tempfile.mkdtemp())
ours_home = home / "ours"
theirs_home = home / "site-packages"  # nobody's own code, for sparkspace
sys.path[:0] = [str(ours_home), str(theirs_home)]
number = 0


def write_package(name: str, folder: Path) -> None:
    """34 files."""
    package = folder / name
    package.mkdir(parents=True)
    imports = "".join(f"from . import part{i}\n" for i in range(MODULES))
    (package / "__init__.py").write_text(imports + "from . import core\n")
    for i in range(MODULES):
        (package / f"part{i}.py").write_text(PART)
    edit(name, folder)


def edit(name: str, folder: Path) -> int:
    """Change a function. Returns the sum that the job must have from now on."""
    global number
    number += 1
    (folder / name / "core.py").write_text(f"from . import part1\n\n\ndef f(x):\n    return x * {number}\n")
    return number * sum(range(100))


def answer(context: object, function: Callable[[int], int]) -> int:
    """The job."""
    return context.parallelize(range(100), SLICES).map(function).sum()


def reloaded(name: str) -> object:
    """As one does in a notebook."""
    return importlib.reload(importlib.import_module(f"{name}.core"))


class Ways:
    """Each method is a way: makes an edit, runs the job, and returns whether the answer was right."""

    def __init__(self) -> None:
        self.spark = sparkspace.session("edits", auto=True)
        self.deployer = HOOKS.deployer

    def measure(self, way: str) -> tuple[float, bool]:
        HOOKS.deployer = self.deployer if way == "ours" else None
        begun = time.perf_counter()
        right = getattr(self, way)()
        return time.perf_counter() - begun, right

    def warm(self) -> bool:
        """No edit: the same job again."""
        return answer(self.spark.sparkContext, lambda x: x) == sum(range(100))

    def ours(self) -> bool:
        import ours

        expected = edit("ours", ours_home)
        return answer(self.spark.sparkContext, lambda x: ours.core.f(x)) == expected

    def by_value(self) -> bool:
        """cloudpickle's register_pickle_by_value."""
        expected = edit("by_value", theirs_home)
        core = reloaded("by_value")
        pyspark.cloudpickle.register_pickle_by_value(sys.modules["by_value"])
        return answer(self.spark.sparkContext, core.f) == expected

    def add_py_file(self) -> bool:
        """A new zip of a new name each time."""
        expected = edit("add_py_file", theirs_home)
        core = reloaded("add_py_file")
        self.spark.sparkContext.addPyFile(zipped("add_py_file"))
        return answer(self.spark.sparkContext, core.f) == expected

    def environment(self) -> bool:
        """The same, and another value in sc.environment: other Python processes."""
        expected = edit("environment", theirs_home)
        core = reloaded("environment")
        self.spark.sparkContext.addPyFile(zipped("environment"))
        self.spark.sparkContext.environment["EDIT"] = str(number)
        right = answer(self.spark.sparkContext, core.f) == expected
        del self.spark.sparkContext.environment["EDIT"]
        return right

    def new_session(self) -> bool:
        """The context is stopped, and another started in this process."""
        expected = edit("new_session", theirs_home)
        core = reloaded("new_session")
        self._restart()
        self.spark.sparkContext.addPyFile(zipped("new_session"))
        return answer(self.spark.sparkContext, core.f) == expected

    def egg(self) -> bool:
        """oarphpy's: an egg of the library, with setuptools, for a new session."""
        expected = edit("egg", theirs_home)
        core = reloaded("egg")
        self._restart()
        self.spark.sparkContext.addPyFile(egg("egg"))
        return answer(self.spark.sparkContext, core.f) == expected

    def new_process(self) -> bool:
        """bin/spark-submit again."""
        expected = edit("new_process", theirs_home)
        self.spark.stop()  # it has the cores
        job = home / "job.py"
        job.write_text(
            "from pyspark.sql import SparkSession\nimport sys\n"
            f"sys.path.insert(0, {str(theirs_home)!r})\nfrom new_process import core\n"
            f"sc = SparkSession.builder.getOrCreate().sparkContext\nsc.addPyFile({zipped('new_process')!r})\n"
            f"print('sum', sc.parallelize(range(100), {SLICES}).map(core.f).sum())\n"
        )
        outer = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK_GATEWAY")}
        done = subprocess.run(["bin/spark-submit", str(job)], capture_output=True, text=True, env=outer)
        return f"sum {expected}" in done.stdout

    def _restart(self) -> None:
        self.spark.stop()
        self.spark = SparkSession.builder.getOrCreate()


def zipped(name: str) -> str:
    """The package as a zip of a name of its own."""
    return shutil.make_archive(str(home / f"{name}-{number}"), "zip", theirs_home, name)


def egg(name: str) -> str:
    """The package as an egg, built in a temporary folder."""
    folder = Path(tempfile.mkdtemp(dir=home))
    shutil.copytree(theirs_home / name, folder / name)
    code = f"import setuptools; setuptools.setup(name={name!r}, version='0.{number}', packages=[{name!r}])"
    subprocess.run([sys.executable, "-c", code, "-q", "bdist_egg"], cwd=folder, check=True, capture_output=True)
    return str(next((folder / "dist").glob("*.egg")))


def main() -> None:
    """``edits.py EDITS SLOW_EDITS``"""
    edits, slow = int(sys.argv[1]), int(sys.argv[2])
    write_package("ours", ours_home)
    for way in ("by_value", "add_py_file", "environment", "new_session", "egg", "new_process"):
        write_package(way, theirs_home)
    import ours  # noqa: F401

    ways = Ways()
    quick = ("warm", "ours", "by_value", "add_py_file")
    found: dict[str, list[tuple[float, bool]]] = {}
    for turn in range(-3, edits):  # the first three warm everybody up
        for way in quick + (("environment",) if turn < slow else ()):
            measured = ways.measure(way)
            if turn >= 0:
                found.setdefault(way, []).append(measured)
    for _ in range(slow):
        for way in ("new_session", "egg", "new_process"):
            found.setdefault(way, []).append(ways.measure(way))
            if way == "new_process":
                ways._restart()
    print(MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
