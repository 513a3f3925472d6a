"""What a class-data archive saves: a driver's first query with the archive of .venv's Spark, and without, in turn.

Both have the same class path, and run Spark's own spark-submit with local[1]; only the option that names the archive
differs.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyspark
from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from sparkspace import archive, launch

JOB = """\
from pyspark.sql import SparkSession
print("answer", SparkSession.builder.getOrCreate().range(1000).selectExpr("sum(id)").first()[0])
"""
ROWS = {
    "wall": Row(
        "a driver from its start to its first query's answer", "s",
        "The processor: what is left is not the loading of classes but Spark's own start, and compiling the query.",
    ),
    "cpu": Row(
        "a driver from its start to its first query's answer", "CPU s",
        "The JVM's compilers, which begin anew in each process: an archive holds classes, and no compiled code.",
    ),
}  # fmt: skip


def main() -> int:
    """Run both in turn."""
    command = Command(__doc__, runs=Size(5, "of each, after one of each that does not count", quick=1))
    home, java_home = Path(pyspark.__file__).parent, launch.java_home(os.environ)
    found = archive.find(home, java_home)
    if found == archive.NONE:
        sys.exit(f"{home} has no archive for {java_home}: scripts/setup dev makes one")
    sides = {
        "ours": lambda: once(home, java_home, found.class_path, found.options),
        "no archive": lambda: once(home, java_home, found.class_path, ""),
    }
    runs = turns.alternate(sides, command.sizes["runs"], warm_up=not command.quick)
    return command.finish(measured(ROWS, runs))


def once(home: Path, java_home: Path, class_path: str, options: str) -> turns.Values:
    """One driver."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "job.py").write_text(JOB)
        env = {**os.environ, "SPARK_HOME": str(home), "JAVA_HOME": str(java_home), "SPARK_LOCAL_IP": "127.0.0.1"}
        env |= {"SPARK_CONF_DIR": folder, "PYSPARK_PYTHON": sys.executable}
        flags = ["--master", "local[1]", "--driver-class-path", class_path, "--driver-java-options", options]
        before, since = cpu_s(), time.monotonic()
        command = [str(home / "bin" / "spark-submit"), *flags, f"{folder}/job.py"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert "answer 499500" in done.stdout
        return {"wall": time.monotonic() - since, "cpu": cpu_s() - before}


def cpu_s() -> float:
    """What all children that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
