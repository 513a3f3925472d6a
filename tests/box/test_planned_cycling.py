"""Planned cycling with a lifetime of minutes: real masters with a real ZooKeeper, four workers, a stream of jobs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from .conftest import Box, copy_of_repository, until
from .cycled import Job
from .inside import ZOOKEEPER

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(2400)]
LIFETIME = timedelta(minutes=15)
WORKERS = 4
# One driver, and a job every second, with shuffles and checked answers, until it is told to end.
STREAM = """\
import os, time
from operator import add
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName("stream").config("spark.task.maxFailures", "1").getOrCreate().sparkContext
print("ready", sc.applicationId, flush=True)
jobs = 0
while not os.path.exists("/tmp/end"):
    pairs = sc.parallelize(range(10_000), 8).map(lambda n: (n % 10, n)).reduceByKey(add, 8)
    assert sorted(pairs.collect()) == [(k, sum(range(k, 10_000, 10))) for k in range(10)]
    jobs += 1
    time.sleep(1)
print("jobs", jobs, flush=True)
sc.stop()
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Two masters, a ZooKeeper and four workers."""
    box = copy_of_repository(tmp_path_factory.mktemp("planned") / "repository")
    (box.folder / "Procfile").write_text(f"master: bin/spark-master\nworker: bin/spark-worker\n{ZOOKEEPER}")
    formation = {"zk": {"quantity": 1}, "master": {"quantity": 2}, "worker": {"quantity": WORKERS}}
    (box.folder / "app.json").write_text(json.dumps({"formation": formation}))
    env = {
        "SPARK_MASTERS": "2",
        "SPARK_ZK_ZOOKEEPER_URL": "zookeeper://1.zk.sparkspace.app.localspace:2181",
        "SPARKSPACE_DYNO_LIFETIME_HOURS": f"{LIFETIME / timedelta(hours=1):g}",
    }
    box("up", "--detach", env=env)
    try:
        box("wait", "--workers", str(WORKERS), "--timeout", "240")
        yield box
    finally:
        box("down")


class Watch:
    """What the box looks like, again and again."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.first = self._ids()
        self.away: Counter[int] = Counter()  # workers at a time
        self.roles_away: set[frozenset[str]] = set()
        self.oldest = timedelta(0)

    def _ids(self) -> dict[str, str]:
        return {name: dyno["id"] for name, dyno in self._ours().items()}

    def _ours(self) -> dict[str, dict[str, str]]:
        return {name: dyno for name, dyno in self._box.dynos().items() if name.startswith(("worker.", "master."))}

    def look(self) -> None:
        """Once."""
        dynos, leaving = self._ours(), self._leaving()
        away = [name for name, dyno in dynos.items() if dyno["state"] != "up" or self._name(name) in leaving]
        self.away[sum(name.startswith("worker.") for name in away)] += 1
        self.roles_away.add(frozenset(name.partition(".")[0] for name in away))
        now = datetime.now(timezone.utc)
        made = [datetime.fromisoformat(dyno["created_at"].replace("Z", "+00:00")) for dyno in dynos.values()]
        self.oldest = max(self.oldest, *(now - each for each in made))

    def _leaving(self) -> set[str]:
        """Names of dynos whose worker takes no work, and has no successor yet."""
        shown = json.loads(self._box.out("status", "--json", code=None) or "{}").get("workers", [])
        alive, leaving = (
            {worker["page"] for worker in shown if worker["state"] == state} for state in ("ALIVE", "DECOMMISSIONED")
        )
        return leaving - alive

    def _name(self, dyno: str) -> str:
        process_type, _, number = dyno.partition(".")
        return f"http://{number}.{process_type}.sparkspace.app.localspace:8081"

    @property
    def renewed(self) -> set[str]:
        """Dynos that are no longer those of the beginning."""
        return {name for name, id in self._ids().items() if self.first.get(name) != id}


def test_everybody_has_a_turn_in_time_and_no_job_notices(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch(box)
    with Job(box, "", STREAM) as stream:
        stream.line("ready")
        end = time.monotonic() + 2 * LIFETIME.total_seconds()
        while watch.renewed != watch.first.keys() and time.monotonic() < end:
            watch.look()
            assert stream.process.poll() is None, stream.errors[-5000:]
            time.sleep(2)
        (driver,) = (name for name in box.dynos() if name.startswith("run."))
        until(lambda: box("run:inside", driver, "touch /tmp/end", code=None).returncode == 0)
        jobs = int(stream.line("jobs")[1])
    with capsys.disabled():
        print(f"\n{jobs} jobs; the oldest dyno was {watch.oldest} of {LIFETIME}; workers away: {dict(watch.away)}")
    assert watch.renewed == watch.first.keys()
    assert jobs > len(watch.first)  # it went on through all the turns
    assert watch.oldest < LIFETIME
    assert max(watch.away) == 1
    assert all(len(roles) <= 1 for roles in watch.roles_away)
