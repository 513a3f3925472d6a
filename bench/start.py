"""How long each thing that a user waits for takes, beside Spark's own scripts with the same memory and cores.

A master until it is ALIVE (ours: ``bin/spark-master``, with its launcher), and on a cluster that runs (ours: a box): a
worker from its restart until it is registered again, ``spark-shell`` until the answer of the README's reduce,
``spark-submit`` of a Python script until its first answer, and in that script the time from the application's start to
its first task, in Python, on an executor. What a master and a worker that do nothing hold of memory, and what the
launcher uses of the processor before Spark's turn, beside ``bash`` and ``erb`` (if Ruby is installed): spark-in-space's
own launcher rendered two files that way, ``spark-defaults.conf`` and ``log4j.properties``.

The sides alternate in one run. Stock is what pip installs, with its own scripts, without authentication or encryption.
Our drivers run in a one-off dyno that is open, and dynos are restarted through the box's API, as Heroku does it: what
the box's own command takes to start is not counted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
from sides import launcher, ours, stock, turns
from sides.command import Command, Size
from sides.result import Row, measured

JOB = """\
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("start").getOrCreate()
sc = spark.sparkContext
first = sc.parallelize([0], 1).map(lambda _: __import__("time").time()).first()
print("answer", sc.parallelize(range(1000), 4).map(lambda n: n * n).sum(), first - sc.startTime / 1000, flush=True)
spark.stop()
"""
ANSWER = "answer 332833500 "
REDUCE, REDUCED = "sc.parallelize(1 to 100).reduce(_ + _)\n", "5050"
TEMPLATE = "<% ENV.each do |name, value| %><%= name %>=<%= value %>\n<% end %>"
ROWS = {
    "launcher": Row(
        "the launcher before Spark's turn", "CPU s",
        "Python's own start and the imports of our modules and of Jinja; Ruby's start on the other side.", "≤ 1.0",
    ),
    "master": Row(
        "a master is ALIVE", "s",
        "A JVM's start: classes come out of an archive, but what they do at a start has to be done.",
        "≤ 0.45",
    ),
    "worker": Row(
        "a worker from its restart until it is registered again", "s",
        "A JVM's start after the old one's end; ours drains first, and its dyno is started by the box.", "≤ 0.50",
    ),
    "shell": Row(
        "`spark-shell` until the answer of a reduce", "s",
        "The processor: the shell compiles its first lines with Scala's compiler while an executor starts.", "≤ 0.60",
    ),
    "script": Row(
        "`spark-submit` of a Python script until its answer", "s",
        "Two JVMs, the driver's and then an executor's, and Python's workers in it: each waits for the one before.",
        "≤ 0.55",
    ),
    "task": Row(
        "an application asks for executors until a task runs", "s",
        "An executor's JVM: it registers, fetches the task, and starts Python.", "≤ 0.60",
    ),
    "resident": Row(
        "resident memory of an idle master and worker", "MB",
        "What the JVMs keep: heap, the code of classes, and pages of the archive that all JVMs share.", "≤ 0.70",
    ),
    "own": Row(
        "of it their own (not files that others share)", "MB",
        "Heap and threads' stacks; ours has the worker's parent in Python besides.",
    ),
}  # fmt: skip


def main() -> int:
    """Run both sides in turn. Exit code 1 when an aim is missed."""
    stock.home()  # not while the clock runs
    command = Command(__doc__, runs=Size(5, "of each side, after one of each that does not count", quick=1))
    with tempfile.TemporaryDirectory() as scratch, our_cluster() as our, stock_cluster(scratch) as theirs:
        our_own, their_own = launcher.alone(scratch), erb(scratch)
        sides = {
            "ours": lambda: values(our, our_master, our_own),
            "stock": lambda: values(theirs, lambda: stock_master(scratch), their_own),
        }
        runs = turns.alternate(sides, command.sizes["runs"], warm_up=not command.quick)
    if shutil.which("erb") is None:
        print("No Ruby here (erb): the launcher is not compared.", file=sys.stderr)
    return command.finish([renamed(row) for row in measured(ROWS, runs)])


def renamed(row: Row) -> Row:
    """Stock Spark has no launcher: the other side of that row is another's."""
    is_launcher = row.what == ROWS["launcher"].what
    return row.of(dict(zip(("ours", "bash and erb"), row.sides.values(), strict=False))) if is_launcher else row


class Cluster:
    """A cluster that runs: its master's page, its processes, how its worker is restarted and a driver started.

    ``driver`` starts a program with this text on its stdin, and gives the lines of its stdout.
    """

    def __init__(
        self, page: str, daemons: Callable[[], list[int]], restart: Callable[[], object],
        driver: Callable[[str, str], Iterator[str]],
    ) -> None:  # fmt: skip
        self.page, self.daemons, self.restart, self.driver = page, daemons, restart, driver

    def again(self) -> float:
        """Seconds from a worker's restart until another is registered."""
        before: list[str] = []
        stock.wait(lambda state: bool(before.extend(stock.alive(state)) or before), self.page)
        since = time.monotonic()
        self.restart()
        stock.wait(lambda state: set(stock.alive(state)) - set(before) != set(), self.page)
        return time.monotonic() - since

    def answer(self, program: str, stdin: str, sign: str) -> tuple[float, str]:
        """Seconds until a driver's output has a sign, and its line."""
        since = time.monotonic()
        lines = self.driver(program, stdin)
        line = next((line for line in lines if sign in line), "")
        took = time.monotonic() - since
        for _ in lines:  # until it has ended
            pass
        if not line:
            raise RuntimeError(f"{program} ended without {sign!r}")
        return took, line

    def memory(self) -> dict[str, float]:
        """Megabytes of its idle daemons."""
        found = [psutil.Process(pid).memory_info() for pid in self.daemons()]
        return {
            "resident": sum(each.rss for each in found) / 1e6,
            "own": sum(each.rss - each.shared for each in found) / 1e6,
        }


def values(cluster: Cluster, master: Callable[[], float], command: list[str]) -> turns.Values:
    """All that is measured of a side, once."""
    shell, _ = cluster.answer("spark-shell", REDUCE, REDUCED)
    script, line = cluster.answer("spark-submit", JOB, ANSWER)
    found = {"master": master(), "worker": cluster.again(), "shell": shell, "script": script}
    found["task"] = float(line.split()[2])
    time.sleep(2)  # until the restarted worker has nothing more to do
    found |= cluster.memory()
    if shutil.which("erb"):
        found["launcher"] = launcher.cpu_s(command)
    return found


@contextlib.contextmanager
def our_cluster() -> Iterator[Cluster]:
    """A box with a worker, on loopback."""
    with ours.box(1, "--network", "loopback"), ours.open_dyno() as dyno:
        address = ours.sparkspace("run:inside", "master.1", "echo $HEROKU_PRIVATE_IP").strip()
        page = f"http://{address}:8080/json/"
        yield Cluster(page, our_daemons, lambda: ours.restart("worker.1"), partial(our_driver, dyno))


def our_driver(dyno: ours.OpenDyno, program: str, stdin: str) -> Iterator[str]:
    """In a one-off dyno."""
    if program == "spark-shell":
        return dyno.run("bin/spark-shell 2>/dev/null", stdin)
    return dyno.run("cat > /tmp/start.py; bin/spark-submit /tmp/start.py 2>/dev/null", stdin)


def our_daemons() -> list[int]:
    """The processes of the master's dyno and the worker's, with all that goes on beside its JVM."""
    found = set(jvms(str(ours.ROOT), "sparkspace-"))
    return list(found | {child.pid for pid in found for child in psutil.Process(pid).children(recursive=True)})


@contextlib.contextmanager
def stock_cluster(scratch: str) -> Iterator[Cluster]:
    """A master and a worker by Spark's scripts."""
    with stock.daemons(scratch) as daemon:
        stock.master(daemon)
        running = [stock.worker(daemon, 1)]
        stock.wait(lambda state: len(stock.alive(state)) == 1)

        def restart() -> None:
            os.killpg(running[-1].pid, signal.SIGTERM)
            running[-1].wait()
            running.append(stock.worker(daemon, 1))

        yield Cluster(stock.PAGE, lambda: jvms("--host 127.77.0."), restart, partial(stock_driver, scratch))


def stock_driver(scratch: str, program: str, stdin: str) -> Iterator[str]:
    """On this machine."""
    job = Path(scratch, "job.py")
    job.write_text(JOB)
    command = [*stock.client(program), *([str(job)] if program == "spark-submit" else [])]
    with subprocess.Popen(
        command, env=stock.environment(scratch), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        process.stdin.write(stdin)
        process.stdin.close()
        yield from process.stdout


def jvms(*signs: str) -> list[int]:
    """The processes of masters and workers whose command line has all these."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if "org.apache.spark.deploy." in line and "SparkSubmit" not in line and all(sign in line for sign in signs):
            found.append(process.pid)
    return found


def stock_master(scratch: str) -> float:
    """Seconds until one more of Spark's masters is ALIVE."""
    with stock.daemons(scratch) as daemon:
        since = time.monotonic()
        daemon("master", "127.77.0.5", "--port", "7077", "--webui-port", "8080")
        stock.wait(lambda state: state["status"] == "ALIVE", "http://127.77.0.5:8080/json/")
        return time.monotonic() - since


def our_master() -> float:
    """Seconds until one more of our masters is ALIVE."""
    env = {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, **launcher.FACTS}
    since, null = time.monotonic(), subprocess.DEVNULL
    process = subprocess.Popen(
        [ours.ROOT / "bin" / "spark-master"], env=env, stdout=null, stderr=null, start_new_session=True
    )
    try:
        stock.wait(lambda state: state["status"] == "ALIVE", f"http://{launcher.FACTS['HEROKU_PRIVATE_IP']}:8080/json/")
        return time.monotonic() - since
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def erb(scratch: str) -> list[str]:
    """What a launcher of bash that renders its two conf files with Ruby's ``erb`` can't do without."""
    template = Path(scratch, "conf.erb")
    template.write_text(TEMPLATE)
    return ["bash", "-c", f"erb {template} > {scratch}/conf && erb {template} > {scratch}/log && exec true"]


if __name__ == "__main__":
    sys.exit(main())
