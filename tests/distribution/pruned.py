"""The Spark of ``.venv``, which ``buildpack.install`` put there without some families, and its programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
# Short jobs: half of the time would go to the second compiler, and to collecting garbage on many threads.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def env(folder: Path, *libraries: Path) -> dict[str, str]:
    """An environment with this Spark alone, whose files go to a folder; and more places to import from."""
    found = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
    return {
        **found,
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(map(str, libraries)),
        "PYTHONHASHSEED": "0",  # as Spark's bin/pyspark sets it for tests, or RDDs refuse to hash None
        "JDK_JAVA_OPTIONS": JAVA_OPTIONS,
    }


def run(
    *command: str | Path, folder: Path, libraries: tuple[Path, ...] = (), stdin: str = "", timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, in a folder of its own; a relative path is from ``SPARK_HOME``."""
    program, *arguments = map(str, command)
    path = str(HOME / program) if "/" in program and not program.startswith("/") else program
    done = subprocess.run(
        [path, *arguments],
        env=env(folder, *libraries),
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


def wait_until(is_so: Callable[[], bool], limit_s: float = 180) -> None:
    """Ask twice a second. Raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.5)
