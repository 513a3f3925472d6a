"""Sources of Scala, and a shell beside them that compiles and runs them."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path
from typing import Any

import psutil

from .shell import Shell

VECTOR = """\
package demo
class Vector2D(val x: Double, val y: Double) extends Serializable {{ def length = {} }}
"""
PAIR = "package demo\ncase class Pair({})\nobject Work {{ def of(x: Int) = {} }}\n"
JOB = "sc.parallelize(1 to 4, 4).map(demo.Work.of).collect().toSeq"
WITHIN_S = 60


class Project:
    """A folder with sources, and its shell."""

    def __init__(self, folder: Path, *options: str, **others: Any) -> None:  # noqa: ANN401  # the shell's
        self.folder = folder
        self.shell = Shell(folder, *options, **others)

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: ANN401  # of any kind
        self.shell.__exit__(*error)

    def write(self, **sources: str) -> None:
        """Write sources, and compile all. An empty one is deleted."""
        for name, text in sources.items():
            path = self.folder / f"{name}.scala"
            path.write_text(text) if text else path.unlink()
        self.shell.compile(self.folder)

    def job(self) -> tuple[int, ...]:
        """What ``demo.Work.of`` makes of 1 to 4, on executors."""
        said = self.shell.run(JOB)
        found = re.search(r"res\d+: .*\(([\d, ]+)\)$", said, re.MULTILINE)
        assert found, said
        return tuple(int(each) for each in found[1].split(","))

    def number(self, line: str) -> int:
        """The number that a line gives."""
        return int(self.shell.run(f"({line}).toLong").rpartition("= ")[2].split()[0])

    def executors(self) -> list[psutil.Process]:
        """The processes of this shell's executors."""
        found = []
        for each in psutil.Process(self.shell.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has just ended
                found += [each] * any("CoarseGrainedExecutorBackend" in word for word in each.cmdline())
        return found

    def replace_executor(self) -> None:
        """Kill an executor, and wait for the one that comes in its place."""
        before = set(self._known())
        self.executors()[0].kill()
        until = time.monotonic() + WITHIN_S
        while not (len(now := set(self._known())) == len(before) and now - before):
            assert time.monotonic() < until, now

    def _known(self) -> list[str]:
        return self.shell.run('sc.getExecutorMemoryStatus.keys.mkString(" ")').rpartition("= ")[2].split()

    def files(self) -> int:
        """How many temporary files there are of the shell and its executors, but for the lines' own classes."""
        folders = [self.folder / each for each in ("tmp", "local", "spark/work")]
        return sum(path.is_file() and "$line" not in str(path) for folder in folders for path in folder.rglob("*"))
