"""Start a cluster and a job, all in this dyno, by the launchers that everybody uses, and take the time of each step.

The steps are seen from outside, so that hardly anything is slower for being looked at: of which program a process is
(/proc), the first line of Spark's log, and the master's page, every 20 ms. What only a driver knows, its job tells
(code/splits.py). All by the clock of this machine. What is started is ended again, however this ends.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .. import archive, launch, ports
from . import master, roles, submit
from .apart import Apart, free_address
from .started import ENDING, ROOT, Sign, Started
from .waterfall import Phase, Waterfall, steps

JOB = ROOT / "sparkspace" / "code" / "splits.py"
EXECUTOR_CLASS = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
ASKS_FOR_THE_COMMAND = "org.apache.spark.launcher.Main"  # a JVM of bin/spark-class, with the class as an argument


def measure(env: Mapping[str, str], timeout_s: float) -> Waterfall:
    """Start it all, one after the other, and say what took how long.

    Args:
        env: the environment of a dyno.
        timeout_s: for all of it.

    Raises:
        CheckFailed: something did not come up; with its last lines.
        ConfigError, LaunchError, PlatformError: as the launchers' own.
    """
    roles.Place.from_env(env)  # what is wrong here is wrong for every launcher
    home = launch.spark_home(env)
    fits = archive.find(home, launch.java_home(env)) != archive.NONE
    with tidy(), tempfile.TemporaryDirectory(prefix="sparkspace-timing-", ignore_cleanup_errors=True) as folder:
        apart = Apart(env, Path(folder), free_address())
        roles.worker(roles.Place.from_env(apart.environment("worker")), [])  # a dyno that is too small is refused here
        with contextlib.ExitStack() as running:
            found = _start(apart, running, time.monotonic() + timeout_s)
    return Waterfall(tuple(found), str(home / archive.FOLDER) if fits else "")


def _start(apart: Apart, running: contextlib.ExitStack, end: float) -> list[Phase]:
    page = f"http://{apart.address}:{ports.MASTER_UI}"
    master.ask(page)  # it loads a client of HTTP, which takes longer than some of the steps

    def start(name: str, process_type: str, signs: Mapping[str, Sign], *args: str) -> Started:
        return running.enter_context(Started(name, args, apart.environment(process_type), signs, end))

    first = start("spark-master", "master", {"java": java(roles.MASTER_CLASS)})
    first.wait("up", lambda: first.speaks and master.ask(page).state == "ALIVE")
    second = start("spark-worker", "worker", {"java": java(roles.WORKER_CLASS), **EXECUTOR})
    second.wait("up", lambda: second.speaks and bool(master.ask(page).alive_workers))
    driver = start("spark-submit", "run", {"java": java(submit.SUBMIT_CLASS), "python": is_job}, str(JOB))
    driver.wait("told", lambda: bool(driver.told), second)
    driver.finish()
    return phases(first, second, driver)


def phases(first: Started, second: Started, driver: Started) -> list[Phase]:
    """What was seen of a master, a worker and a driver, in the order in which one waits for the other."""
    zero, told = first.begun, json.loads(driver.told)

    def row(of: str, begun: float, *ends: tuple[str, float]) -> list[Phase]:
        return steps(of, begun - zero, *((name, instant - zero) for name, instant in ends))

    def launched(of: str, started: Started, *ends: tuple[str, float]) -> list[Phase]:
        before = ("launcher", started.seen["exec"]), ("scripts", started.seen["java"])
        return row(of, started.begun, *before, *ends)

    ready = max(told["up"], told["executor"])
    job = ("first task sent", told["sent"]), ("first task runs", told["runs"]), ("first result", told["result"])
    return [
        *launched("master", first, ("JVM", first.seen["speaks"]), ("ALIVE", first.seen["up"])),
        *launched("worker", second, ("JVM", second.seen["speaks"]), ("registered", second.seen["up"])),
        *launched("driver", driver, ("JVM", driver.seen["python"]), ("Python", told["begun"]), ("up", told["up"])),
        *row("executor", second.seen["shim"], ("launcher", second.seen["executor"]), ("up", told["executor"])),
        *row("job", ready, *job),
    ]


def java(main: str) -> Sign:
    """A JVM that runs this class."""

    def is_so(words: Sequence[str]) -> bool:
        return words[0].endswith("/java") and main in words and ASKS_FOR_THE_COMMAND not in words

    return is_so


def is_job(words: Sequence[str]) -> bool:
    """Python, with our job."""
    return list(words[1:2]) == [str(JOB)]


# A worker begins an executor with our Python, which becomes its JVM (cycling/executor.py).
EXECUTOR: dict[str, Sign] = {"shim": lambda words: EXECUTOR_CLASS in words, "executor": java(EXECUTOR_CLASS)}


@contextlib.contextmanager
def tidy() -> Iterator[None]:
    """SIGTERM and SIGHUP end this process as Ctrl-C does: what was started is ended first.

    After an error it stays deaf: it is about to end, and a second signal would change how.
    """

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
