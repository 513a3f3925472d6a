"""A real spark-shell with hot deploy, driven line by line, and how long an edit of JVM code takes in it.

``python3 -m bench.shell 30`` prints medians: what the compiler took, and what came after it, beside a warm job.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyspark

HOME = Path(pyspark.__file__).parent
HOT = ("--class", "org.apache.spark.repl.HotShell")
SMALL = ("--conf", "spark.executor.memory=512m", "--driver-memory", "1g", "--conf", "spark.ui.enabled=false")
PLACE = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(HOME)}
PROMPT = re.compile(r"^(scala> )+", re.MULTILINE)


class Shell:
    """A shell in ``folder``, on two executors that are JVMs of their own unless ``command`` says otherwise."""

    def __init__(self, folder: Path, *options: str, command: Sequence[str] = ()) -> None:
        default = [str(HOME / "bin" / "spark-shell"), "--master", "local-cluster[2,1,1024]", *SMALL, *HOT]
        self.process = subprocess.Popen(
            [*(command or default), *options], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1,
            env={**os.environ, **PLACE, "SPARK_WORKER_DIR": str(folder / "work")},
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._marks = itertools.count()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.run("0", 300)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def run(self, line: str, within_s: float = 120) -> str:
        """Run a line; what it printed, on stdout and stderr."""
        mark = f"mark {next(self._marks)} "
        assert self.process.stdin
        # Lines that name it are run also when a deploy failed.
        self.process.stdin.write(f'{line}\nprintln("{mark}" + "end") // hotdeploy\n')
        said = []
        while True:
            found = self._lines.get(timeout=within_s)
            if found is None:
                raise EOFError("".join(said))
            if f"{mark}end" in found:
                return PROMPT.sub("", "".join(said))
            said.append(found)

    def compile(self, folder: Path, into: str = "target/classes") -> str:
        """Compile a folder's sources with the compiler in the shell, and put in place what differs, as sbt does."""
        fresh = folder / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        words = ["-usejavacp", "-nowarn", "-d", str(fresh), *map(str, sorted(folder.glob("*.scala")))]
        quoted = ", ".join(json.dumps(word) for word in words)
        said = self.run(f"scala.tools.nsc.Main.process(Array({quoted})); !scala.tools.nsc.Main.reporter.hasErrors")
        assert "Boolean = true" in said, said
        put(fresh, folder / into)
        return said

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self._reader.join(10)
            self.process.stdout.close()


def put(fresh: Path, into: Path) -> None:
    """As an incremental compiler leaves it: only what differs is written, and what is gone is removed."""
    names = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for old in [path for path in into.rglob("*.class") if path.relative_to(into) not in names]:
        old.unlink()
    for name in names:
        target, content = into / name, (fresh / name).read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != content:
            target.write_bytes(content)


def measure(edits: int, folder: Path) -> list[dict[str, float]]:
    """Edit, compile, run a job on every core; seconds of each, with the same job again, which is warm.

    Raises:
        AssertionError: a result was stale.
    """
    times = []
    job = "sc.parallelize(1 to 8, 4).map(demo.Work.of).collect().toSeq"
    with Shell(folder) as shell:
        for number in range(edits + 1):
            (folder / "Work.scala").write_text(f"package demo\nobject Work {{ def of(x: Int) = x * {number} }}\n")
            took = {}
            for step, run in (
                ("compile", lambda: shell.compile(folder)),
                ("job", lambda: shell.run(job)),
                ("warm", lambda: shell.run(job)),
            ):
                since = time.monotonic()
                said = run()
                took[step] = time.monotonic() - since
                if step != "compile":
                    wanted = ", ".join(str(x * number) for x in range(1, 9))
                    assert f"({wanted})" in said, f"edit {number}: {said}"
            times.append(took)
    return times[1:]  # the first starts the executors


def main() -> None:
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        times = measure(edits, Path(folder))
    middle = {step: round(statistics.median(each[step] for each in times), 3) for step in times[0]}
    rest = [each["job"] - each["warm"] for each in times]
    print(json.dumps({"edits": edits, "median_s": middle, "job_minus_warm_s": round(statistics.median(rest), 3)}))


if __name__ == "__main__":
    main()
