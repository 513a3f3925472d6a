"""Our launcher of a master, up to where Spark would begin; and what programs use of the processor."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import ROOT, stock

FACTS = {
    "DYNO": "master.1",
    "HEROKU_PRIVATE_IP": "127.78.0.1",
    "HEROKU_DNS_APP_NAME": "bench.app.localspace",
    "HEROKU_DNS_FORMATION_NAME": "master.bench.app.localspace",
    "HEROKU_DNS_DYNO_NAME": "1.master.bench.app.localspace",
    "SPARKSPACE_SECRET": "of-a-benchmark-that-is-alone",
    "SPARK_DAEMON_MEMORY": f"{stock.DAEMON_MB['master']}m",
}
TIMES = 10


def alone(scratch: str, root: Path = ROOT) -> list[str]:
    """``bin/spark-master`` of a repository, with a Spark that ends at once: a command."""
    home = Path(scratch, "nothing")
    (home / "bin").mkdir(parents=True, exist_ok=True)
    (home / "jars").mkdir(exist_ok=True)
    (home / "jars" / "spark-core_2.13-4.3.0.jar").touch()
    (home / "bin" / "spark-class").write_text("#!/bin/true\n")
    (home / "bin" / "spark-class").chmod(0o755)
    facts = [f"{name}={value}" for name, value in {**FACTS, "SPARK_HOME": str(home)}.items()]
    return ["env", *facts, str(root / "bin" / "spark-master")]


def cpu_s(command: Sequence[str | Path]) -> float:
    """CPU seconds of a program, the mean of ten runs: the clock is coarse.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(TIMES):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / TIMES
