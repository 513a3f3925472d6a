"""What compiled Python saves: with what the build has compiled, and without it, in turn.

Two imports from ``pyspark.zip``, which drivers and Python workers have before all else on their path: what a worker
begins with, of it what Spark's daemon leaves to each worker after the fork, and what a driver's DataFrames need. The
other side is the same zip without its compiled modules. And a launcher, beside that of a copy of the repository whose
templates nobody has compiled.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import pyspark
from sides import ROOT, launcher, turns
from sides.command import Command, Size
from sides.result import Row, measured

from sparkspace import templates

LIB = Path(pyspark.__path__[0]) / "python" / "lib"
CLIENT = "Reading and running the modules' top level, of which most is what they import from Python's own library."
ROWS = {
    "pyspark.worker": Row("`import pyspark.worker` from the zip", "CPU s", CLIENT),
    "forked": Row("of it after the fork of Spark's daemon", "CPU s", "A dozen modules: the daemon has had all others."),
    "pyspark.sql.functions": Row("`import pyspark.sql.functions` from the zip", "CPU s", CLIENT),
    "launcher": Row(
        "`bin/spark-master` before Spark's turn", "CPU s",
        "Python's own start, and the imports of our modules and of Jinja.",
    ),
}  # fmt: skip


def main() -> int:
    """Run both in turn."""
    command = Command(__doc__, runs=Size(5, "of each, after one of each that does not count", quick=1))
    with tempfile.TemporaryDirectory() as scratch:
        sides = {
            "ours": partial(once, LIB / "pyspark.zip", launcher.alone(scratch)),
            "not compiled": partial(once, sources(scratch), launcher.alone(scratch, uncompiled(scratch))),
        }
        runs = turns.alternate(sides, command.sizes["runs"], warm_up=not command.quick)
    return command.finish(measured(ROWS, runs))


def once(library: Path, launched: list[str]) -> turns.Values:
    """All of a side."""
    return {
        "pyspark.worker": imported(library, "pyspark.worker"),
        "forked": imported(library, "pyspark.worker", after="pyspark.daemon"),
        "pyspark.sql.functions": imported(library, "pyspark.sql.functions"),
        "launcher": launcher.cpu_s(launched),
    }


def imported(library: Path, module: str, after: str = "sys") -> float:
    """CPU seconds of the import of a module from a zip, in a Python that has imported another before.

    Raises:
        subprocess.CalledProcessError: it came from elsewhere.
    """
    path = [str(library), *map(str, LIB.glob("py4j-*.zip"))]
    before = f"import sys; sys.path[:0] = {path!r}; import {after}; "
    code = f"{before}import {module} as found; assert found.__file__.startswith(sys.path[0])"
    return launcher.cpu_s([sys.executable, "-c", code]) - launcher.cpu_s([sys.executable, "-c", before])


def sources(scratch: str) -> Path:
    """pyspark.zip without compiled modules."""
    found = Path(scratch, "pyspark.zip")
    with zipfile.ZipFile(LIB / "pyspark.zip") as compiled, zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in compiled.infolist():
            if not entry.filename.endswith(".pyc"):
                target.writestr(entry, compiled.read(entry), zipfile.ZIP_DEFLATED)
    return found


def uncompiled(scratch: str) -> Path:
    """A copy of what a launcher needs of the repository; its templates are not compiled, and nothing keeps them so."""
    root, folder = Path(scratch, "repository"), templates.FOLDER.name
    for name in ("bin", "sparkspace"):
        shutil.copytree(ROOT / name, root / name, symlinks=True)
    shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns(templates.COMPILED))
    (root / ".venv").symlink_to(ROOT / ".venv")
    return root


if __name__ == "__main__":
    sys.exit(main())
