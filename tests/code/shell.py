"""A driver in a process of its own, on a cluster of two executors, each a JVM with one core: ``local-cluster``.

With ``SPARKSPACE_TEST_BOX=FOLDER`` in the environment it is a one-off dyno of the box that is open there, which has to
be on loopback, with two workers of one core (``SPARK_WORKER_CORES=1``).
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import select
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.py")
CONF = {
    "spark.ui.enabled": "false",
    "spark.io.encryption.enabled": "true",  # as on the clusters; broadcasts take another way then
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.locality.wait": "0",
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
}
SECONDS = 120
BOX = os.environ.get("SPARKSPACE_TEST_BOX", "")


class Failed(Exception):
    """What was run in the shell raised something: the class's name, and the message."""

    def __str__(self) -> str:
        return ": ".join(map(str, self.args))


def spark_home(folder: Path) -> Path:
    """The installed Spark under another name: a ``local-cluster`` has its executors' folders below ``SPARK_HOME``."""
    installed = importlib.util.find_spec("pyspark")
    assert installed and installed.origin
    folder.mkdir()
    for each in Path(installed.origin).parent.iterdir():
        if each.name != "work":  # of another local-cluster
            (folder / each.name).symlink_to(each)
    return folder


def in_the_box(work: Path, start: str) -> list[str]:
    """The command that runs ``start`` in a dyno, in the folder ``work``, with our standard streams."""
    return [
        f"{BOX}/bin/sparkspace",
        "run",
        f"cd {shlex.quote(str(work))} && {shlex.join([sys.executable, '-c', start])}",
    ]


class Shell:
    """Runs lines in a driver's ``__main__``."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.stderr = folder / "stderr"
        self._read = 0
        work = folder / "work"
        work.mkdir(parents=True)
        start = (
            f"import sys; sys.path.insert(1, {str(REPOSITORY)!r}); sys.ps1 = '>>> '; exec(open({str(DRIVER)!r}).read())"
        )
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("SPARK", "PYSPARK", "PYTHON"))
        }
        with open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(
                in_the_box(work, start) if BOX else [sys.executable, "-c", start],
                cwd=BOX or work,
                env={
                    **clean,
                    "SPARK_HOME": str(spark_home(folder / "spark")),
                    "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_LOCAL_DIRS": str(folder / "local"),
                    "TMPDIR": str(folder),
                    **(env or {}),
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
            )

    def open(
        self, master: str = "local-cluster[2,1,512]", options: str = "", conf: Mapping[str, str] | None = None
    ) -> None:
        """``spark`` and ``sc`` in the shell."""
        where = {"conf": {**CONF, **(conf or {})}, **({} if BOX else {"master": master})}
        if BOX:  # which says where a driver is
            where["conf"] = {key: value for key, value in where["conf"].items() if not key.startswith("spark.driver.")}
        self.run(
            f"import sparkspace\n"
            f"spark = sparkspace.session({', '.join(f'{key}={value!r}' for key, value in where.items())}, {options})\n"
            f"sc = spark.sparkContext\nsc.setLogLevel('OFF')"
        )

    def run(self, source: str, seconds: float = SECONDS) -> Any:  # noqa: ANN401  # whatever it gives
        """The value of the last line.

        Raises:
            Failed: with the error's class and message.
        """
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(textwrap.dedent(source)).encode() + b"\n")
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            raise TimeoutError(f"no answer within {seconds} s to: {source}\n{self.said()[-3000:]}")
        line = self.process.stdout.readline()
        if not line:
            raise Failed("Ended", self.said()[-3000:])
        found = json.loads(line)
        if "error" in found:
            message = [line for line in found["message"].splitlines() if not line.startswith(("\tat ", "\t... "))]
            raise Failed(found["error"], "\n".join(message))
        try:
            return ast.literal_eval(found["value"])
        except (ValueError, SyntaxError):
            return found["value"]

    def said(self) -> str:
        """What has come on stderr since this was asked last."""
        text = self.stderr.read_text(errors="replace")
        new, self._read = text[self._read :], len(text)
        return new

    def close(self) -> None:
        """End the driver and its JVMs."""
        below = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.process.stdout.close()
        _, alive = psutil.wait_procs(below, 20)
        for each in alive:
            each.kill()
