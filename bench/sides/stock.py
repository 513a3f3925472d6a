"""Spark as it comes, on loopback addresses: its own scripts, with the cores and the memory that ours have."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyspark

from . import ROOT

CORES = os.cpu_count() or 1
WORKER_MB = EXECUTOR_MB = 1536  # what sizing.py gives a Private-M
DRIVER_MB = 2048
DAEMON_MB = {"master": 1024, "worker": 384}
PATIENCE_S = 300
MASTER, DRIVER = "127.77.0.1", "127.77.0.9"
URL, PAGE = f"spark://{MASTER}:7077", f"http://{MASTER}:8080/json/"

# What ours has, always: conf-templates/spark-defaults.conf.j2. A test compares them.
SECURITY = {
    "spark.authenticate": "true",
    "spark.authenticate.secret": "of-a-benchmark-that-is-alone",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    "spark.network.crypto.authEngineVersion": "2",
    "spark.network.crypto.saslFallback": "false",
    "spark.io.encryption.enabled": "true",
}

KEPT = ROOT / ".venv" / "stock"

Daemon = Callable[..., "subprocess.Popen[bytes]"]


@functools.cache
def home() -> Path:
    """Spark as pip installs it, of our version: nothing is left out of it, repacked or compiled. Fetched once.

    Raises:
        subprocess.CalledProcessError: pip could not; it has said why.
    """
    site = KEPT / pyspark.__version__
    if not (site / "done").exists():
        print(
            "Installing Spark by pip, for the other side: 456 MB to fetch, the first time", file=sys.stderr, flush=True
        )
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
        ]
        subprocess.run([*pip, "--target", str(site), f"pyspark=={pyspark.__version__}"], check=True)
        (site / "done").touch()
    return site / "pyspark"


@contextlib.contextmanager
def daemons(scratch: str, more: Mapping[str, str] | None = None, *, scripted: bool = False) -> Iterator[Daemon]:
    """Start Spark daemons by ``bin/spark-class``; all are ended at the end.

    Args:
        scratch: an empty folder.
        more: of their environment.
        scripted: in the background by ``sbin/spark-daemon.sh``, to which Spark's ``sbin/start-master.sh`` and
            ``start-worker.sh`` come down. It waits until Java runs, and two seconds more to see that it stays.
    """
    processes: list[subprocess.Popen[bytes]] = []
    folders = {"SPARK_PID_DIR": f"{scratch}/pid", "SPARK_LOG_DIR": f"{scratch}/log"}

    def start(role: str, address: str, *args: str) -> subprocess.Popen[bytes]:
        name = f"org.apache.spark.deploy.{role}.{role.capitalize()}"
        memory = {"SPARK_LOCAL_IP": address, "SPARK_DAEMON_MEMORY": f"{DAEMON_MB[role]}m"}
        env = {**environment(scratch), **memory, **folders, **(more or {})}
        script = ["sbin/spark-daemon.sh", "start", name, str(len(processes) + 1)]
        program, *first = script if scripted else ["bin/spark-class", name]
        command = [str(home() / program), *first, "--host", address, *args]
        null = subprocess.DEVNULL
        processes.append(subprocess.Popen(command, env=env, stdout=null, stderr=null, start_new_session=True))
        if scripted:
            processes[-1].wait()
        return processes[-1]

    try:
        yield start
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            process.wait()
            _await_end(process.pid)


def _await_end(group: int) -> None:
    """Wait for what a script has left in the background: the next daemon wants its port.

    Raises:
        TimeoutError: it stays.
    """
    end = time.monotonic() + PATIENCE_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(0.02)
        raise TimeoutError(f"process group {group} is still there after {PATIENCE_S} s")


def master(daemon: Daemon) -> subprocess.Popen[bytes]:
    """Start the master."""
    return daemon("master", MASTER, "--port", "7077", "--webui-port", "8080")


def worker(daemon: Daemon, number: int) -> subprocess.Popen[bytes]:
    """Start a worker, from 1 on."""
    size = ["--cores", str(CORES), "--memory", f"{WORKER_MB}m", "--webui-port", "8081"]
    return daemon("worker", f"127.77.0.{number + 1}", *size, URL)


def environment(scratch: str) -> dict[str, str]:
    """What Spark's scripts need, and nothing that would slow them or speed them up."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    local = {
        "SPARK_LOCAL_DIRS": scratch,
        "SPARK_WORKER_DIR": scratch,
        "SPARK_MASTER_OPTS": "-Dspark.deploy.defaultCores=4",
    }
    return {**kept, **local, "SPARK_HOME": str(home()), "PYSPARK_PYTHON": sys.executable}


def configured(scratch: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The environment of daemons and drivers that have these properties."""
    conf = Path(scratch, "conf")
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in properties.items()))
    return {"SPARK_CONF_DIR": str(conf)}


def client(program: str, cores: int = 4) -> list[str]:
    """The command of a driver: ``spark-submit`` or ``spark-shell``."""
    sizes = ["--driver-memory", f"{DRIVER_MB}m", "--executor-memory", f"{EXECUTOR_MB}m"]
    host = ["--conf", f"spark.driver.host={DRIVER}", "--conf", f"spark.driver.bindAddress={DRIVER}"]
    return [str(home() / "bin" / program), "--master", URL, *sizes, "--total-executor-cores", str(cores), *host]


def wait(told: Callable[[dict[str, object]], bool], page: str = PAGE) -> None:
    """Ask a master fifty times a second, until what it tells is so."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(page, timeout=5) as reply:
            if told(json.load(reply)):
                return
        time.sleep(0.02)
    raise TimeoutError(f"{page} does not tell it after {PATIENCE_S} s")


def alive(state: Mapping[str, object]) -> list[str]:
    """The ids of the workers that are ALIVE."""
    workers: list[dict[str, str]] = state["workers"]  # type: ignore[assignment]
    return [each["id"] for each in workers if each["state"] == "ALIVE"]
