"""How long it takes to see that nothing has changed, and to ship a project the first time.

    .venv/bin/python3 bench/shipping.py [--files 1000] [--rounds 200] [--json FILE]

Beside it, what is done elsewhere before each job: oarphpy's egg, built by setuptools in a temporary folder, and
``shutil.make_archive`` of the same folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sparkspace.code import parcel  # noqa: E402
from sparkspace.code.project import Project  # noqa: E402


def make(folder: Path, files: int) -> None:
    """A package of modules of some kilobytes, in twenty packages below it."""
    for number in range(files - 21):
        below = folder / "library" / f"part{number % 20}"
        below.mkdir(parents=True, exist_ok=True)
        (below / "__init__.py").touch()
        (below / f"m{number}.py").write_text(f"VALUE = {number}\n" + "def f(x):\n    return x + VALUE\n" * 80)
    (folder / "library" / "__init__.py").touch()


def timed(work: Callable[[], object], rounds: int) -> dict[str, float]:
    """Milliseconds: the least, the median, the 95th percentile, and the median of the processor's time."""
    spent, used = [], []
    for _ in range(rounds):
        begun, before = time.perf_counter(), time.process_time()
        work()
        spent.append((time.perf_counter() - begun) * 1000)
        used.append((time.process_time() - before) * 1000)
    spent.sort()
    p95 = spent[max(0, int(rounds * 0.95) - 1)]
    return {"least": spent[0], "median": statistics.median(spent), "p95": p95, "cpu": statistics.median(used)}


def first(folder: Path) -> object:
    """Find, read, hash and pack."""
    return parcel.packed(Project().look())


def egg(folder: Path, place: Path) -> None:
    """An egg of a copy of the folder."""
    copy = Path(tempfile.mkdtemp(dir=place)) / "project"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import setuptools; setuptools.setup(name='library', packages=setuptools.find_packages())"
    subprocess.run([sys.executable, "-c", code, "-q", "bdist_egg"], cwd=copy, check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        folder.mkdir()
        make(folder, options.files)
        sys.path.insert(0, str(folder))
        __import__("library")
        project = Project()
        files = len(project.look().files)
        few = max(3, options.rounds // 20)
        found = {
            "nothing changed": timed(project.look, options.rounds),
            "the first time": timed(lambda: first(folder), few),
            "shutil.make_archive": timed(lambda: shutil.make_archive(f"{name}/out", "zip", folder), few),
            "oarphpy's egg": timed(lambda: egg(folder, Path(name)), 3),
        }
    print(f"{files} files, ms        least   median      p95      CPU")
    for what, each in found.items():
        print(f"{what:<22}{each['least']:8.2f} {each['median']:8.2f} {each['p95']:8.2f} {each['cpu']:8.2f}")
    if options.json:
        options.json.write_text(json.dumps({"files": files, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
