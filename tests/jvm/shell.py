"""A real spark-shell with hot deploy, driven line by line."""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyspark

from ..spark_lines import linked

HOME = Path(pyspark.__file__).parent
HOT = ("--class", "org.apache.spark.repl.HotShell")
SMALL = ("--conf", "spark.executor.memory=512m", "--driver-memory", "1g", "--conf", "spark.ui.enabled=false")
PROMPT = re.compile(r"^(scala> )+", re.MULTILINE)


class Shell:
    """A shell in ``folder``, on two executors that are JVMs of their own; or what ``command`` starts."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        command: Sequence[str] = (),
        home: Path = HOME,
        env: Mapping[str, str] | None = None,
    ) -> None:
        if not command:
            command, env = local(folder, home, env or {})
        self.process = subprocess.Popen(
            [*command, *options], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, env=env,
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


def local(folder: Path, home: Path, env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """What starts a shell on two executors, and its environment. All that they leave behind is below ``folder``."""
    spark = linked(home, folder / "spark")
    (folder / "tmp").mkdir(exist_ok=True)
    place = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(spark), "SPARK_LOCAL_DIRS": str(folder / "local")}
    java = ("--driver-java-options", f"-Djava.io.tmpdir={folder / 'tmp'}")
    command = [str(spark / "bin" / "spark-shell"), "--master", "local-cluster[2,1,1024]", *java, *SMALL, *HOT]
    return command, {**os.environ, **place, **env}


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
