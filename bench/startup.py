"""How long a box takes to a first answer, beside the same cluster started by Spark's own scripts.

Ours: ``bin/sparkspace up`` with a master and two workers of Private-M, until both are registered, then
``bin/spark-submit`` of a small Python job in a one-off dyno. Stock: Spark's ``bin/spark-class`` for the same master and
workers, with the same cores and memory, then Spark's own ``bin/spark-submit`` of the same job with the same executors;
no authentication or encryption, as Spark comes. The two alternate in one run, and take turns in going first, so that
other load on the machine falls on both. Usage: .venv/bin/python3 bench/startup.py [--runs N] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOB = """\
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("startup").getOrCreate()
print("answer", spark.sparkContext.parallelize(range(1000), 4).map(lambda n: n * n).sum())
spark.stop()
"""
ANSWER = "answer 332833500"
WORKERS = 2
CORES = os.cpu_count() or 1
WORKER_MB = EXECUTOR_MB = 1536  # what sizing.py gives a Private-M
DRIVER_MB = 2048
DAEMON_MB = {"master": 1024, "worker": 384}
PATIENCE_S = 300

Stages = dict[str, float]


def main() -> int:
    """Run both sides in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each side, after one of each that does not count")
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "startup.json")
    options = parser.parse_args()
    sides: dict[str, Callable[[], Stages]] = {"ours": ours, "stock": stock}
    measured: dict[str, list[Stages]] = {name: [] for name in sides}
    for run in range(options.runs + 1):
        for name in sorted(sides, reverse=bool(run % 2)):
            stages = sides[name]()
            print(f"{'warm-up' if not run else f'run {run}':<8} {name:<6} {line(stages)}", file=sys.stderr, flush=True)
            if run:
                measured[name].append(stages)
    result = summary(measured)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    return 0


def ours() -> Stages:
    """A box of this repository."""
    with clock() as lap:
        sparkspace("up", "--detach", "--app", "bench", "--masters", "1", "--workers", str(WORKERS))
        try:
            sparkspace("wait", "--workers", str(WORKERS), "--timeout", str(PATIENCE_S))
            lap("registered")
            answer = sparkspace("run", "cat > /tmp/job.py; bin/spark-submit /tmp/job.py", stdin=JOB)
            lap("answer")
        finally:
            sparkspace("down")
    assert ANSWER in answer, answer
    return lap.stages


def stock() -> Stages:
    """Spark's own scripts, on loopback addresses."""
    import pyspark

    home = Path(pyspark.__path__[0])
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack, clock() as lap:
        job = Path(scratch, "job.py")
        job.write_text(JOB)
        daemon = stack.enter_context(daemons(home, scratch))
        daemon("master", "127.77.0.1", "--port", "7077", "--webui-port", "8080")
        for number in range(2, WORKERS + 2):
            size = ["--cores", str(CORES), "--memory", f"{WORKER_MB}m", "--webui-port", "8081"]
            daemon("worker", f"127.77.0.{number}", *size, "spark://127.77.0.1:7077")
        wait_for_workers("http://127.77.0.1:8080/json/")
        lap("registered")
        sizes = [
            "--driver-memory",
            f"{DRIVER_MB}m",
            "--executor-memory",
            f"{EXECUTOR_MB}m",
            "--total-executor-cores",
            "4",
        ]
        host = ["--conf", "spark.driver.host=127.77.0.9", "--conf", "spark.driver.bindAddress=127.77.0.9"]
        submit = [str(home / "bin" / "spark-submit"), "--master", "spark://127.77.0.1:7077", *sizes, *host, str(job)]
        answer = subprocess.run(
            submit,
            env=environment(home, scratch),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        ).stdout
        lap("answer")
    assert ANSWER in answer, answer
    return lap.stages


@contextlib.contextmanager
def daemons(home: Path, scratch: str) -> Iterator[Callable[..., None]]:
    """Start Spark daemons by ``bin/spark-class``; all are ended at the end."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(role: str, address: str, *args: str) -> None:
        name = f"org.apache.spark.deploy.{role}.{role.capitalize()}"
        env = {**environment(home, scratch), "SPARK_LOCAL_IP": address, "SPARK_DAEMON_MEMORY": f"{DAEMON_MB[role]}m"}
        command = [str(home / "bin" / "spark-class"), name, "--host", address, *args]
        processes.append(
            subprocess.Popen(
                command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
        )

    try:
        yield start
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            process.wait()


def environment(home: Path, scratch: str) -> dict[str, str]:
    """What Spark's scripts need, and nothing that would slow them or speed them up."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    local = {
        "SPARK_LOCAL_DIRS": scratch,
        "SPARK_WORKER_DIR": scratch,
        "SPARK_MASTER_OPTS": "-Dspark.deploy.defaultCores=4",
    }
    return {**kept, **local, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}


def wait_for_workers(url: str) -> None:
    """Ask the master five times a second, until all workers are ALIVE."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as reply:
                if json.load(reply)["aliveworkers"] == WORKERS:
                    return
        time.sleep(0.2)
    raise TimeoutError(f"{url} has not {WORKERS} workers after {PATIENCE_S} s")


def sparkspace(*args: str, stdin: str = "") -> str:
    """``bin/sparkspace …``; what it printed."""
    command = [str(ROOT / "bin" / "sparkspace"), *args]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Lap:
    """Seconds since the start, by stage."""

    def __init__(self) -> None:
        self.since = time.monotonic()
        self.stages: Stages = {}

    def __call__(self, stage: str) -> None:
        self.stages[stage] = time.monotonic() - self.since


@contextlib.contextmanager
def clock() -> Iterator[Lap]:
    """A clock that runs from here."""
    yield Lap()


def summary(measured: dict[str, list[Stages]]) -> dict[str, object]:
    """Medians, extremes and ratios, with what they were measured on."""
    stages = ("registered", "answer")
    medians = {side: {s: statistics.median(run[s] for run in runs) for s in stages} for side, runs in measured.items()}
    return {
        "machine": f"{platform.machine()}, {CORES} cores, Linux {platform.release()}",
        "python": platform.python_version(),
        "spark": pyspark_version(),
        "runs": measured,
        "medians_s": medians,
        "ratio": {stage: medians["ours"][stage] / medians["stock"][stage] for stage in stages},
    }


def pyspark_version() -> str:
    """The version of the installed package."""
    from importlib.metadata import version

    return version("pyspark")


def line(stages: Stages) -> str:
    """``registered 12.3 s  answer 30.1 s``."""
    return "  ".join(f"{stage} {seconds:.1f} s" for stage, seconds in stages.items())


def table(result: dict[str, object]) -> str:
    """Markdown."""
    medians: dict[str, Stages] = result["medians_s"]  # type: ignore[assignment]
    runs: dict[str, list[Stages]] = result["runs"]  # type: ignore[assignment]
    ratio: Stages = result["ratio"]  # type: ignore[assignment]
    rows = ["| from nothing to | ours | stock | ours ÷ stock |", "|---|--:|--:|--:|"]
    for stage, words in (("registered", f"{WORKERS} registered workers"), ("answer", "a first job's answer")):
        cells = []
        for side in ("ours", "stock"):
            times = [run[stage] for run in runs[side]]
            cells.append(f"{medians[side][stage]:.1f} s ({min(times):.1f} to {max(times):.1f})")
        rows.append(f"| {words} | {cells[0]} | {cells[1]} | {ratio[stage]:.2f} |")
    return "\n".join(
        [*rows, "", f"Median of {len(runs['ours'])} runs (and extremes); Spark {result['spark']}, {result['machine']}."]
    )


if __name__ == "__main__":
    sys.exit(main())
