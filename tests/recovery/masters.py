"""Masters of one name and one folder, each at another address of loopback, as restarts of a dyno make them.

What is run is what the launchers decide: their conf files, commands and environments. Only names are resolved
otherwise: every JVM reads them from a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sparkspace import conf, ports
from sparkspace.cluster import roles
from sparkspace.sizing import Executor

from ..launchers import PATH, SECRET

APP = "myapp.app.localspace"
NAME = f"1.master.{APP}"
TASK_S = 1.0
# A line of the pipe is a job of three stages with two shuffles; its answer is known by arithmetic.
DRIVER = f"""\
import sys, time
from operator import add
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("driver").getOrCreate().sparkContext

def slowly(rows):
    time.sleep({TASK_S})
    yield from rows

assert not sc._jsc.sc().conf().contains("spark.plugins.defaultList")  # executors get what it has
print("ready", sc.applicationId, flush=True)
for line in open(sys.argv[1]):
    numbers = sc.parallelize(range(1000), 2).mapPartitions(slowly).map(lambda n: (n % 100, n)).reduceByKey(add, 2)
    tens = numbers.mapPartitions(slowly).map(lambda pair: (pair[0] % 10, pair[1])).reduceByKey(add, 2)
    print("answer", sum(k * v for k, v in tens.mapPartitions(slowly).collect()), flush=True)
sc.stop()
"""
ANSWER = sum(k * sum(range(k, 1000, 10)) for k in range(10))


def until(what: Callable[[], object], within_s: float = 60) -> None:
    """Wait until it is true."""
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def black_hole(address: str) -> Iterator[None]:
    """Who dials a master here is not even refused, as where a dyno has gone: the queue is full, and nobody takes."""
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deaf.bind((address, ports.MASTER))
        deaf.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex((address, ports.MASTER))
        with pytest.raises(TimeoutError):
            socket.create_connection((address, ports.MASTER), timeout=0.5)
        yield


class Process:
    """A process of Spark's, with its log in a file."""

    def __init__(self, cluster: Cluster, kind: str, launch: roles.Launch, **streams: Any) -> None:  # noqa: ANN401
        self.log = cluster.folder / f"{kind}-{secrets.token_hex(3)}.log"
        command = launch.command(conf.write(launch.files, cluster.folder))
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(command.argv, env=dict(command.env), stderr=stderr, **streams)

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str, within_s: float = 60) -> None:
        """Wait until its log has these words (a regular expression)."""
        try:
            until(lambda: re.search(words, self.text()), within_s)
        except AssertionError:
            raise AssertionError(f"{words!r} is not in\n{self.text()[-6000:]}") from None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close_streams(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


class Master(Process):
    """A master at an address of its own."""

    def __init__(self, cluster: Cluster, **config: str) -> None:
        self.address = cluster.address()
        place = cluster.place("master.1", NAME, self.address, **config)
        super().__init__(cluster, "master", roles.master(place, []))

    def page(self) -> dict[str, Any]:
        """Its page, as JSON; empty: it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{ports.MASTER_UI}/json/", timeout=5) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError):
            return {}

    def is_alive(self) -> bool:
        return self.page().get("status") == "ALIVE"

    def applications(self) -> list[str]:
        return [each["id"] for each in self.page().get("activeapps", [])]


class Driver(Process):
    """A driver in client mode, which runs a job when it is told to."""

    def __init__(self, cluster: Cluster, *flags: str) -> None:
        script = cluster.folder / "driver.py"
        script.write_text(DRIVER)
        place = cluster.place("run.1", f"1.run.{APP}", cluster.address())
        options = f"{conf.JAVA_OPTIONS} {cluster.resolving}"
        own = ["--conf", f"spark.driver.extraJavaOptions={options}", "--conf", "spark.ui.enabled=false"]
        pipe = cluster.folder / f"jobs-{secrets.token_hex(3)}"  # spark-submit keeps its stdin to itself
        os.mkfifo(pipe)
        launch = roles.client(place, "spark-submit", [*own, *flags, str(script), str(pipe)], Executor(512))
        super().__init__(cluster, "driver", launch, stdout=subprocess.PIPE, text=True)
        self.jobs = os.open(pipe, os.O_RDWR)  # not for writing alone, which would wait for the driver

    def ready(self) -> str:
        """Wait until it is; the application's id."""
        return self._line("ready")

    def begin(self) -> None:
        """Begin a job."""
        os.write(self.jobs, b"job\n")

    def answers(self) -> None:
        """Wait for the job's answer, which has to be right."""
        assert int(self._line("answer")) == ANSWER

    def _line(self, first: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            word, _, rest = line.partition(" ")
            if word == first:
                return rest.strip()
        raise AssertionError(f"it ended without {first!r}:\n{self.text()[-6000:]}")

    def close_streams(self) -> None:
        super().close_streams()
        os.close(self.jobs)

    def close(self) -> None:
        """End it as a user would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Cluster:
    """A folder for state, a name that moves, and what has been started."""

    def __init__(self, folder: Path, **config: str) -> None:
        self.folder = folder
        self.config = config
        self.hosts = folder / "hosts"
        self.state = folder / "state"
        self.processes: list[Process] = []
        self._net = f"127.{secrets.randbelow(200) + 40}.{secrets.randbelow(250)}"
        self._last = 1

    @property
    def kept(self) -> Path:
        """Where the master keeps its state, if that is a folder of this machine."""
        return self.state / APP

    @property
    def resolving(self) -> str:
        """Options of a JVM that knows the master by its name, and nobody else."""
        return f"-Djdk.net.hosts.file={self.hosts}"

    def address(self) -> str:
        self._last += 1
        return f"{self._net}.{self._last}"

    def place(self, dyno: str, dns_name: str, address: str, **config: str) -> roles.Place:
        """What the launcher of a dyno would know."""
        env = {
            "PATH": PATH, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LANG": "C.UTF-8",
            "DYNO": dyno, "HEROKU_PRIVATE_IP": address, "HEROKU_DNS_APP_NAME": APP, "HEROKU_DNS_DYNO_NAME": dns_name,
            "SPARKSPACE_SECRET": SECRET, "SPARKSPACE_RECOVERY_DIR": self.state.as_uri(),
            "SPARK_DAEMON_JAVA_OPTS": self.resolving,
            "SPARK_WORKER_CORES": "4", "SPARK_WORKER_MEMORY": "2g", "SPARK_DEFAULT_CORES": "2", "DYNO_RAM": "2560",
            "SPARK_WORKER_DIR": str(self.folder / "work"), "SPARK_LOCAL_DIRS": str(self.folder / "local"),
            "SPARK_DAEMON_MEMORY": "256m",
            **self.config, **config,
        }  # fmt: skip
        return roles.Place.from_env(env)

    def master(self, **config: str) -> Master:
        """A new master, at a new address. The name is moved to it."""
        found = Master(self, **config)
        self.processes.append(found)
        self.hosts.write_text(f"{found.address} {NAME}\n127.0.0.1 {socket.gethostname()}\n")
        return found

    @property
    def newest(self) -> Master:
        """The master that was started last."""
        return [each for each in self.processes if isinstance(each, Master)][-1]

    def alive(self, **config: str) -> Master:
        """A new master that leads."""
        found = self.master(**config)
        found.says("New state: (ALIVE|RECOVERING)")
        until(found.is_alive)
        return found

    def worker(self) -> Process:
        found = Process(self, "worker", roles.worker(self.place("worker.1", f"1.worker.{APP}", self.address()), []))
        self.processes.append(found)
        return found

    def driver(self, *flags: str) -> Driver:
        found = Driver(self, *flags)
        self.processes.append(found)
        return found

    def executors(self, application: str) -> list[psutil.Process]:
        """The executors of an application."""
        found = []
        for each in (child for one in self.processes if one.process.poll() is None for child in _children(one)):
            with contextlib.suppress(psutil.Error):
                if application in each.cmdline() and each.status() != psutil.STATUS_ZOMBIE:
                    found.append(each)
        return found

    def kill_executor(self, application: str) -> None:
        """Kill them, so that the next job needs a master that gives it another."""
        before = self.executors(application)
        assert before
        for each in before:
            each.kill()
        psutil.wait_procs(before, 10)

    def close(self) -> None:
        for each in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(each.process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()
            each.kill()
            each.close_streams()


def _children(one: Process) -> list[psutil.Process]:
    try:
        return psutil.Process(one.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def opened(folder: Path, **config: str) -> Iterator[Cluster]:
    """A cluster without anything in it yet."""
    found = Cluster(folder, **config)
    try:
        yield found
    finally:
        found.close()
