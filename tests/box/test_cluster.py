"""A real Spark cluster in a box: the README of spark-in-space, command by command, and what the README of ours adds."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pexpect
import pytest

from .conftest import ROOT, Box, clean_environment, until

pytestmark = [pytest.mark.box, pytest.mark.spark]
EXAMPLES = ("word_count", "weather_report", "readability")


def status(box: Box) -> dict[str, Any]:
    """``sparkspace status --json``."""
    return json.loads(box.out("status", "--json"))


def workers(box: Box) -> list[str]:
    """Addresses of the registered workers."""
    return sorted(worker["host"] for worker in status(box)["workers"] if worker["state"] == "ALIVE")


def test_logs_show_the_master_come_up_and_the_workers_register(cluster: Box) -> None:
    log = "\n".join(cluster.log())
    assert "I have been elected leader! New state: ALIVE" in log
    for worker in workers(cluster):
        assert f"Registering worker {worker}:" in log


def test_shell_computes_on_the_executors(cluster: Box) -> None:
    """The README's first job, typed on stdin; then who ran it, as the tasks and the master tell."""
    source = """\
sc.parallelize(1 to 1000000).reduce(_ + _)
sc.parallelize(1 to 1000000).map(_.toLong).reduce(_ + _)
val hosts = sc.parallelize(1 to 8, 8).map { _ => Thread.sleep(2000); sys.env("SPARK_LOCAL_IP") }
hosts.distinct.collect.sorted.mkString(" ")
"""
    seen: list[list[dict[str, Any]]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(1):
            seen.append(status(cluster)["applications"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = cluster("run", "bin/spark-shell", stdin=source)
    finally:
        stop.set()
        watcher.join()
    assert re.search(r"res0: Int = 1784293664\b", done.stdout)  # the README's line: the sum, as an Int overflows
    assert re.search(r"res1: Long = 500000500000\b", done.stdout)
    assert f"res2: String = {' '.join(workers(cluster))}" in done.stdout
    assert "Spark shell" in {application["name"] for applications in seen for application in applications}


@pytest.mark.parametrize(
    "example", [EXAMPLES[0], *(pytest.param(name, marks=pytest.mark.long) for name in EXAMPLES[1:])]
)
def test_example_gives_the_right_answer(cluster: Box, example: str) -> None:
    done = cluster("run", f"bin/spark-submit examples/{example}.py")
    answer, _, hosts = done.stdout.partition("hosts: ")
    assert answer == (ROOT / "examples" / "expected" / f"{example}.txt").read_text()
    assert hosts == "" or sorted(hosts.strip().split(", ")) == workers(cluster)


def test_pyspark_shell_at_a_terminal(cluster: Box) -> None:
    command = [str(ROOT / "bin" / "sparkspace"), "run", "bin/pyspark"]
    env = {**clean_environment(), "TERM": "dumb"}
    with pexpect.spawn(
        command[0], command[1:], cwd=str(cluster.folder), env=env, encoding="utf-8", timeout=180
    ) as shell:
        shell.expect(">>> ")
        shell.sendline("print('sum', sc.parallelize(range(100), 4).map(lambda n: n + 1).sum(), sc.master)")
        shell.expect("sum 5050 spark://1.master.sparkspace.app.localspace:7077")
        shell.sendline("import time; print('sleep' + 'ing'); time.sleep(500)")
        shell.expect("sleeping")  # before that, a terminal would drop the line with the interrupt
        shell.sendintr()
        shell.expect("KeyboardInterrupt")
        shell.expect(">>> ")
        shell.sendline("exit(5)")
        shell.expect(pexpect.EOF)
    assert shell.exitstatus == 5


def test_sql_runs_on_the_cluster(cluster: Box) -> None:
    assert "42" in cluster.out("run", "bin/spark-sql", "-e", "select sum(id) - 3 from range(10)").split()


def test_users_flags_win_and_a_properties_file_adds_to_ours(cluster: Box) -> None:
    """By Spark's own default a properties file would replace ours, and with it the cluster would be lost."""
    job = """\
from pyspark.sql import SparkSession
sc = SparkSession.builder.getOrCreate().sparkContext
print(*(sc.getConf().get(f"spark.{key}") for key in ("executor.memory", "cores.max", "app.name", "extra")))
print(sc.master, sc.parallelize(range(4)).sum())
"""
    flags = "--executor-memory 600m --total-executor-cores 1 --name mine --properties-file /tmp/extra.conf"
    command = f"cat > /tmp/job.py; echo spark.extra 1 > /tmp/extra.conf; bin/spark-submit {flags} /tmp/job.py"
    answer = cluster.out("run", command, stdin=job)
    assert answer == "600m 1 mine 1\nspark://1.master.sparkspace.app.localspace:7077 6\n"


def test_status_wait_and_doctor(cluster: Box) -> None:
    assert {master["state"] for master in status(cluster)["masters"]} == {"ALIVE"}
    assert [worker["memory_mb"] for worker in status(cluster)["workers"]] == [1536, 1536]
    text = cluster.out("status")
    assert "http://1.master.sparkspace.app.localspace:8080  ALIVE" in text
    assert text.count("of 1536 MB") == 2
    cluster("wait", "--workers", "2", "--timeout", "5")
    short = cluster("wait", "--workers", "3", "--timeout", "2", code=69)
    assert " !     2 of 3 workers are registered after 2 s." in short.stderr
    doctor = cluster.out("doctor").splitlines()
    assert doctor[-1] == "This cluster works."
    checks = [line.split()[1] for line in doctor[:-1]]
    assert checks == ["dyno", "Java", "Python", "Spark", "names", "master", "workers", "job", "versions"]


def test_timing_of_a_start_leaves_the_cluster_alone_and_its_picture_beside_the_box(
    cluster: Box, tmp_path: Path
) -> None:
    before = status(cluster)
    text = cluster.out("doctor", "--timing", "--svg", str(tmp_path / "start.svg"))
    assert [line.split()[0] for line in text.splitlines() if line[:1].islower()] == [
        "master", "worker", "driver", "executor", "job",
    ]  # fmt: skip
    bars = ElementTree.parse(tmp_path / "start.svg").findall("{http://www.w3.org/2000/svg}rect")[1:]
    assert len(bars) == len([line for line in text.splitlines() if "█" in line])
    assert status(cluster)["workers"] == before["workers"]
    assert [line for line in cluster.log() if "app[master.1]" in line and "sparkspace doctor --timing" in line] == []


def test_conf_masks_secrets(cluster: Box) -> None:
    shown = cluster.out("conf")
    assert "spark.master=spark://1.master.sparkspace.app.localspace:7077" in shown
    assert "spark.executor.memory=1536m" in shown
    secret = cluster.out("config:get", "SPARKSPACE_SECRET").strip()
    assert len(secret) == 64 and secret not in shown


@pytest.mark.parametrize(
    ("flaw", "code", "says"),
    [
        ("SPARK_MASTERS=2", 70, "The name 2.master.sparkspace.app.localspace does not resolve"),
        ("SPARK_EXECUTOR_MEMORY=9g", 78, "SPARK_EXECUTOR_MEMORY must be at most 1536m, which is all a worker offers"),
        ("SPARKSPACE_MASTER_APP=other", 70, "The name 1.master.other.app.localspace does not resolve"),
        ("SPARKSPACE_SECRET=a-secret-of-another-app", 78, "must be the same as that of the master"),
        ("JAVA_HOME=/nonexistent", 72, "JAVA_HOME is '/nonexistent', but it has no bin/java"),
        (
            "SPARKSPACE_CONF=spark.driver.host=10.255.255.1",
            70,
            "The job had no result after 45 s. Executors started, but did not reach the driver",
        ),
    ],
)
def test_doctor_names_cause_and_cure(cluster: Box, flaw: str, code: int, says: str) -> None:
    done = cluster("run", f"env '{flaw}' bin/sparkspace doctor --timeout 45", code=code)
    assert says in done.stderr
    assert "This cluster works." not in done.stdout


def test_console_runs_a_shell_inside_at_once(cluster: Box) -> None:
    cluster("scale", "console=1")
    until(lambda: any("app[console.1]: sparkspace at=ready" in line for line in cluster.log()))
    done = cluster("run:inside", "console.1", "bin/spark-shell", stdin="sc.parallelize(1 to 10).sum\n")
    assert "res0: Double = 55.0" in done.stdout
    assert cluster.out("run:inside", "console.1", "echo $DYNO") == "console.1\n"
    cluster("scale", "console=0")


def test_restart_gives_the_worker_a_new_address_and_the_cluster_all_its_workers(cluster: Box) -> None:
    before = workers(cluster)
    cluster("restart", "worker.1")
    until(lambda: len(set(workers(cluster)) - set(before)) == 1, timeout_s=120, every_s=1)
    until(lambda: len(workers(cluster)) == 2, timeout_s=90, every_s=1)
    assert workers(cluster) == sorted([cluster.address("worker.1"), cluster.address("worker.2")])


def test_killed_jvm_is_a_crash_and_comes_back(cluster: Box) -> None:
    before, since = workers(cluster), cluster.last()
    cluster("run:inside", "worker.2", "pkill -9 -f deploy.worker.Worker", code=None)
    until(
        lambda: any("heroku[worker.2]: State changed from up to crashed" in line for line in cluster.log(after=since))
    )
    after = [line.partition(" ")[2] for line in cluster.log(after=since)]
    assert "heroku[worker.2]: Process exited with status 137" in after
    assert "heroku[worker.2]: Restarting in 1 s (crash 1)" in after
    until(lambda: len(workers(cluster)) == 2 and workers(cluster) != before, timeout_s=120, every_s=1)


def test_scale_to_five_gives_five_registered_workers(cluster: Box) -> None:
    cluster("scale", "worker=5")
    cluster("wait", "--workers", "5", "--timeout", "240")
    assert workers(cluster) == sorted(cluster.address(f"worker.{number}") for number in range(1, 6))
    cluster("scale", "worker=2")
    until(lambda: len(workers(cluster)) == 2, timeout_s=90, every_s=1)


def test_larger_dyno_offers_more_memory(cluster: Box) -> None:
    cluster("scale", "worker=2:Private-L")
    until(lambda: [w["memory_mb"] for w in status(cluster)["workers"] if w["state"] == "ALIVE"] == [11915] * 2, 180, 1)
    line = cluster("run", "bin/spark-submit --version", code=None).stderr
    assert "memory=11915m reason=smallest-worker" in line
    cluster("scale", "worker=2:Private-M")
    until(lambda: [w["memory_mb"] for w in status(cluster)["workers"] if w["state"] == "ALIVE"] == [1536] * 2, 180, 1)


def test_worker_on_a_dyno_that_is_too_small_says_so(cluster: Box) -> None:
    done = cluster("run", "--size", "Private-S", "bin/spark-worker", code=72)
    assert " !     A dyno of 1024 MB can't hold a Spark worker and an executor." in done.stderr


def test_master_url_with_three_masters_is_the_readmes(cluster: Box) -> None:
    url = cluster.out("run", "SPARK_MASTERS=3 bin/master-url")
    names = ",".join(f"{number}.master.sparkspace.app.localspace:7077" for number in (1, 2, 3))
    assert url == f"spark://{names}\n"


def test_nothing_was_written_into_the_apps_folder(cluster: Box) -> None:
    """A dyno's disk is its own: no spark-warehouse, metastore or log of it appears where the user works."""
    left = {path.name for path in Path(cluster.folder).iterdir()} - {".venv", ".sparkspace"}
    assert left <= {path.name for path in ROOT.iterdir()}
