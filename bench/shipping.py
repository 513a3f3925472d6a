"""How long it takes to see that nothing has changed, and to ship a project the first time.

Beside it, what is done elsewhere before each job: oarphpy's egg, built by setuptools in a temporary folder, and
``shutil.make_archive`` of the same folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from sparkspace.code import parcel
from sparkspace.code.project import Project

HASHES = "Reading each file once, its hash, and the compression of the zip; setuptools' own start, for the egg."
STATS = "A stat of each file: none is read whose size and date are as they were."
ROWS = {
    "first": Row("to ship a project the first time", "ms", HASHES),
    "first cpu": Row("to ship a project the first time", "CPU ms", HASHES),
    "again": Row("to see that nothing has changed", "ms", STATS),
    "again cpu": Row("to see that nothing has changed", "CPU ms", STATS),
}


def make(folder: Path, files: int) -> None:
    """A package of modules of some kilobytes, in twenty packages below it."""
    for number in range(files - 21):
        below = folder / "library" / f"part{number % 20}"
        below.mkdir(parents=True, exist_ok=True)
        (below / "__init__.py").touch()
        (below / f"m{number}.py").write_text(f"VALUE = {number}\n" + "def f(x):\n    return x + VALUE\n" * 80)
    (folder / "library" / "__init__.py").touch()


def timed(work: Callable[[], object], key: str) -> turns.Values:
    """Milliseconds, of the clock and of this process."""
    begun, before = time.perf_counter(), time.process_time()
    work()
    return {key: (time.perf_counter() - begun) * 1000, f"{key} cpu": (time.process_time() - before) * 1000}


def first(folder: Path) -> object:
    """Find, read, hash and pack."""
    return parcel.packed(Project().look())


def egg(folder: Path, place: Path) -> None:
    """An egg of a copy of the folder."""
    copy = Path(tempfile.mkdtemp(dir=place)) / "project"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import setuptools; setuptools.setup(name='library', packages=setuptools.find_packages())"
    subprocess.run([sys.executable, "-c", code, "-q", "bdist_egg"], cwd=copy, check=True, capture_output=True)


def main() -> int:
    """Ship in turns, and then look again and again. (The CPU time is this process's, and the egg's is another.)"""
    command = Command(
        __doc__,
        files=Size(1000, "of the project"),
        rounds=Size(200, "of looking; a twentieth of it of all else", quick=20),
    )
    files, rounds = command.sizes.values()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        folder.mkdir()
        make(folder, files)
        sys.path.insert(0, str(folder))
        __import__("library")
        sides = {
            "ours": lambda: timed(lambda: first(folder), "first"),
            "shutil.make_archive": lambda: timed(lambda: shutil.make_archive(f"{name}/out", "zip", folder), "first"),
            "oarphpy's egg": lambda: {"first": timed(lambda: egg(folder, Path(name)), "first")["first"]},
        }
        runs = turns.alternate(sides, max(3, rounds // 20))
        project = Project()
        project.look()
        runs["ours"] += [timed(project.look, "again") for _ in range(rounds)]
    return command.finish(measured(ROWS, runs))


if __name__ == "__main__":
    sys.exit(main())
