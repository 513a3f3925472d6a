"""What a class-data archive saves: a driver's first query with the archive of .venv's Spark, and without, in turn.

    .venv/bin/python3 bench/archive.py [--runs N]

Both have the same class path, and run Spark's own spark-submit with local[1]; only the option that names the archive
differs. Prints seconds and CPU seconds, medians with extremes, and their ratios; also to bench/results/archive.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pyspark  # noqa: E402

from sparkspace import archive, launch  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "archive.json"
JOB = """\
from pyspark.sql import SparkSession
print("answer", SparkSession.builder.getOrCreate().range(1000).selectExpr("sum(id)").first()[0])
"""


def main() -> None:
    """Run both in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each, after one of each that does not count")
    runs = parser.parse_args().runs
    home, java_home = Path(pyspark.__file__).parent, launch.java_home(os.environ)
    found = archive.find(home, java_home)
    if found == archive.NONE:
        sys.exit(f"{home} has no archive for {java_home}: scripts/setup makes one")
    measured: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    for run in range(runs + 1):
        for name in sorted(measured, reverse=bool(run % 2)):
            took = once(home, java_home, found.class_path, found.options if name == "with" else "")
            if run:
                measured[name].append(took)
    show(measured, java_home)


def once(home: Path, java_home: Path, class_path: str, options: str) -> tuple[float, float]:
    """Seconds, and CPU seconds of all processes, of one driver."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "job.py").write_text(JOB)
        env = {**os.environ, "SPARK_HOME": str(home), "JAVA_HOME": str(java_home), "SPARK_LOCAL_IP": "127.0.0.1"}
        env |= {"SPARK_CONF_DIR": folder, "PYSPARK_PYTHON": sys.executable}
        flags = ["--master", "local[1]", "--driver-class-path", class_path, "--driver-java-options", options]
        before, since = cpu_s(), time.monotonic()
        command = [str(home / "bin" / "spark-submit"), *flags, f"{folder}/job.py"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert "answer 499500" in done.stdout
        return time.monotonic() - since, cpu_s() - before


def cpu_s() -> float:
    """What all children that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def show(measured: dict[str, list[tuple[float, float]]], java_home: Path) -> None:
    """Print the table and keep it."""
    medians = {}
    for name, rows in measured.items():
        for kind, values in zip(("s", "CPU s"), zip(*rows, strict=True), strict=True):
            medians[f"{name}, {kind}"] = median = statistics.median(values)
            print(f"{name:<8} {median:6.1f} {kind:<6} ({min(values):.1f} to {max(values):.1f})")
    ratios = {kind: medians[f"with, {kind}"] / medians[f"without, {kind}"] for kind in ("s", "CPU s")}
    print("ratio    " + ", ".join(f"{ratio:.2f} of the {kind}" for kind, ratio in ratios.items()))
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "java": launch.java_version(java_home)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**machine, "medians": medians, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
