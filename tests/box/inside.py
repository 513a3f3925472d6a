"""What is in a box, seen and touched from outside: the processes of its dynos, who leads, and jobs that tell."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timezone

import psutil

from sparkspace.cluster.ensemble import mode

from .conftest import Box
from .cycled import Job

# A ZooKeeper of one server, of the jars that Spark has: somebody else's, so to speak. The last number is a tick in
# milliseconds: a session lasts from 2 to 20 of them.
ZOOKEEPER = """\
zk: java -Xmx128m -cp "$(echo .venv/lib/python3*/site-packages/pyspark/jars)/*" \
org.apache.zookeeper.server.ZooKeeperServerMain 2181 /tmp/zookeeper 500
"""
ZOOKEEPERS = tuple(f"zookeeper.{number}" for number in (1, 2, 3))
MASTER, WORKER = "deploy.master.Master", "deploy.worker.Worker"
DRIVER, EXECUTOR = "deploy.SparkSubmit", "CoarseGrainedExecutorBackend"
SMALL = "--conf spark.executor.memory=512m --conf spark.cores.max=1"
# A shuffle with a checked answer, again and again, until there is a file of this name.
STREAM = """\
import os, sys, time
from operator import add
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("stream").config("spark.task.maxFailures", "1").getOrCreate().sparkContext
print("ready", sc.applicationId, flush=True)
while not os.path.exists(sys.argv[1]):
    pairs = sc.parallelize(range(1000), 2).map(lambda n: (n % 10, n)).reduceByKey(add, 2)
    assert sorted(pairs.collect()) == [(k, sum(range(k, 1000, 10))) for k in range(10)]
    print("round", flush=True)
    time.sleep(0.5)
sc.stop()
print("done", flush=True)
"""
SHORT = """\
from pyspark.sql import SparkSession
print("sum", SparkSession.builder.appName("short").getOrCreate().sparkContext.parallelize(range(100), 2).sum())
"""


def jvms(box: Box, dyno: str = "", main: str = "") -> list[psutil.Process]:
    """The JVMs of this box, the newest first: those of a dyno, or those whose command line has a class."""
    secret = box.api("GET", "config-vars").json()["SPARKSPACE_SECRET"]  # no other box has it
    found = []
    for process in psutil.process_iter(["name", "create_time"]):
        with contextlib.suppress(psutil.Error):
            env = process.environ() if process.info["name"] == "java" else {}
            is_here = secret in (env.get("_SPARK_AUTH_SECRET"), env.get("SPARKSPACE_SECRET"))
            if is_here and dyno in ("", env.get("DYNO")) and main in " ".join(process.cmdline()):
                found.append(process)
    return sorted(found, key=lambda process: -process.info["create_time"])


def jvm(box: Box, dyno: str, main: str = "") -> psutil.Process:
    """The newest JVM of a dyno."""
    found = jvms(box, dyno, main)
    assert found, f"{dyno} has no JVM {main}"
    return found[0]


def seen(box: Box) -> dict[str, list[dict[str, object]]]:
    """``sparkspace status --json``; empty: no master answers."""
    found: dict[str, list[dict[str, object]]] = json.loads(box.out("status", "--json", code=None) or "{}")
    return found


def leading(box: Box) -> str:
    """The dyno of the master that is ALIVE; empty: none is."""
    alive = [str(master["url"]) for master in seen(box).get("masters", []) if master["state"] == "ALIVE"]
    return f"master.{alive[0].removeprefix('http://').partition('.')[0]}" if alive else ""


def modes(box: Box, kind: str = "zookeeper") -> dict[str, str]:
    """What each ZooKeeper of a box on loopback is: leader, follower, or nothing while it does not serve."""
    dynos = [f"{kind}.{number}" for number in (1, 2, 3)]
    return {dyno: mode(jvm(box, dyno).environ()["HEROKU_PRIVATE_IP"]) for dyno in dynos}


def all_serve(box: Box, kind: str = "zookeeper") -> bool:
    """Whether all three of them do."""
    return sorted(modes(box, kind).values()) == ["follower", "follower", "leader"]


def accepts(box: Box, flags: str = SMALL) -> None:
    """A new application gets its executor and its answer."""
    with Job(box, flags, SHORT) as job:
        assert job.line("sum") == ["sum", "4950"]
        assert job.process.wait(60) == 0


def goes_on(job: Job) -> None:
    """Rounds that begin from now on succeed: the first that is printed may have been there already."""
    for _ in range(8):
        job.line("round")


def said_at(line: str) -> datetime:
    """When a line of the log was printed."""
    return datetime.fromisoformat(line.partition(" ")[0])


def now() -> datetime:
    """As the log's lines have it."""
    return datetime.now(timezone.utc)


def lead_after(box: Box, since: datetime) -> float | None:
    """Seconds until a master, recovered, led; None: none has said so."""
    led = said_after(box, since, "Recovery complete")
    return (said_at(led[0]) - since).total_seconds() if led else None


def said_after(box: Box, since: datetime, words: str) -> list[str]:
    """What masters said with these words, after that time."""
    return [line for line in box.log() if "app[master." in line and words in line and said_at(line) > since]
