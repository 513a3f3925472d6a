"""What a real cluster measures, with an application and after a turn: read by Prometheus' own programs, and drawn."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from ..dashboard import INTERVAL, Query, queries
from .conftest import ROOT, Box, copy_of_repository, until
from .cycled import Job, event_log

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(900)]

CONFIG = {
    "SPARK_MASTERS": "1",
    "SPARKSPACE_CYCLING": "missing",  # with it, a box has a token of its own
    "SPARKSPACE_WORKERS_MIN": "2",
    "SPARKSPACE_WORKERS_MAX": "2",
    "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY": "48",
}
NAME = 'he said "x" \\ y'  # which Spark itself writes into its labels as it is
STREAM = f"""\
import os, sys, time
from operator import add
from pyspark.sql import SparkSession
sc = SparkSession.builder.appName({NAME!r}).getOrCreate().sparkContext
print("ready", sc.applicationId, flush=True)
while not os.path.exists(sys.argv[1]):
    pairs = sc.parallelize(range(100), 4).map(lambda n: (n % 3, n)).reduceByKey(add, 3)
    assert len(pairs.collect()) == 3
    print("round", flush=True)
    time.sleep(0.5)
"""
# They have series when something has gone wrong, and nothing has.
QUIET = {"Cycles that were put off"}


@dataclass(frozen=True)
class Cluster:
    """A box with an application in it, and how its web process is asked."""

    box: Box
    application: str

    @property
    def user(self) -> tuple[str, str]:
        """Its name and password."""
        name, _, check = self.box.out("config:get", "SPACE_PROXY_BASIC_AUTH").strip().partition(":")
        return name, check.removeprefix("{PLAIN}")

    def get(self, path: str, user: tuple[str, str] | None) -> requests.Response:
        """A page, as a program asks for it."""
        return requests.get(f"{self.box.record['web']}{path}", auth=user, timeout=60)

    def scrape(self) -> dict[str, Metric]:
        """Family by name."""
        reply = self.get("/sparkspace/metrics", self.user)
        assert reply.status_code == 200
        return {family.name: family for family in text_string_to_metric_families(reply.text)}

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series with these labels."""
        samples = [sample for family in self.scrape().values() for sample in family.samples if sample.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, one of which has had its turn while the application ran."""
    box = copy_of_repository(tmp_path_factory.mktemp("metrics") / "repository")
    box("up", "--detach", "--masters", "1", "--workers", "2", "--network", "loopback", env=CONFIG)
    try:
        box("wait", "--workers", "2", "--timeout", "240")
        end = event_log(box, "end")  # in a folder that all dynos share
        with Job(box, "", STREAM, end) as job:
            application = job.line("ready")[1]
            job.line("round")
            box("cycle", "worker.2", "--yes", timeout=400)
            yield Cluster(box, application)
            end.touch()
            assert job.process.wait(120) == 0, job.errors[-5000:]
    finally:
        box("down")


def worker_id(cluster: Cluster) -> str:
    """Of a worker that is there, as the master has it."""
    workers: list[dict[str, Any]] = json.loads(cluster.box.out("status", "--json"))["workers"]
    return next(worker["id"] for worker in workers if worker["state"] == "ALIVE")


def test_everybody_answers_who_has_the_password(cluster: Cluster) -> None:
    places = {
        "/sparkspace/metrics": "sparkspace_up{",
        "/metrics/master/prometheus/": "metrics_master_aliveWorkers_Number{",
        "/metrics/applications/prometheus/": "metrics_application_",
        f"/proxy/{worker_id(cluster)}/metrics/prometheus/": "metrics_worker_coresUsed_Number{",
        f"/proxy/{cluster.application}/metrics/prometheus/": "_driver_DAGScheduler_job_allJobs_Number{",
        f"/proxy/{cluster.application}/metrics/executors/prometheus/": "metrics_executor_totalCores{",
    }
    for path, says in places.items():
        reply, refused = cluster.get(path, cluster.user), cluster.get(path, None)
        assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (200, "text/plain"), path
        assert says in reply.text, path
        assert refused.status_code == 401 and says not in refused.text, path
    wrong = (cluster.user[0], f"not-{cluster.user[1]}")
    assert cluster.get("/sparkspace/metrics", wrong).status_code == 401


def test_all_that_run_are_in_one_page(cluster: Cluster) -> None:
    until(lambda: all(sample.value for sample in cluster.scrape()["sparkspace_up"].samples), 60, 2)
    found = cluster.scrape()
    up = {(each.labels["role"], each.labels.get("dyno", "")) for each in found["sparkspace_up"].samples}
    assert up == {
        ("master", "master.1"), ("tally", "master.1"), ("worker", "worker.1"), ("worker", "worker.2"), ("api", ""),
        ("driver", ""), ("executor", ""),
    }  # fmt: skip
    names = {sample.labels["application_name"] for sample in found["metrics_executor_totalCores"].samples}
    assert names == {NAME}
    assert cluster.value("sparkspace_dynos_wanted", type="worker") == 2
    assert cluster.value("sparkspace_dynos", type="worker", state="up") == 2
    assert cluster.value("sparkspace_application_cores", application_id=cluster.application) > 0
    assert cluster.value("metrics_driver_appStatus_tasks_completedTasks_Count") > 0


def test_turn_drain_and_decisions_are_counted(cluster: Cluster) -> None:
    assert cluster.value("sparkspace_drains_total", by="turn", outcome="drained") == 1
    assert cluster.value("sparkspace_drains_total", by="sigterm", outcome="drained") == 1
    assert cluster.value("sparkspace_cycling_restarts_total", type="worker", reason="its-turn") == 1
    assert cluster.value("sparkspace_cycling_returns_total", type="worker", outcome="back") == 1
    until(lambda: cluster.value("sparkspace_scaling_decisions_total", decision="stay") > 0)
    assert cluster.value("sparkspace_scaling_dynos_wanted", type="worker") == 2
    assert cluster.value("sparkspace_scaling_dyno_seconds_a_day") == 48 * 3600


def test_secrets_are_not_measured(cluster: Cluster) -> None:
    text = cluster.get("/sparkspace/metrics", cluster.user).text
    config = cluster.box.api("GET", "config-vars").json()
    for var in ("SPARKSPACE_SECRET", "SPARK_HEROKU_ACCESS_TOKEN", "SPACE_PROXY_BASIC_AUTH"):
        assert config[var] and config[var].rpartition("}")[2] not in text


def test_dashboard_draws_what_there_is(cluster: Cluster) -> None:
    known = {name for family in cluster.scrape().values() for name in (family.name, f"{family.name}_total")}
    known |= {sample.name for family in cluster.scrape().values() for sample in family.samples}
    assert {query.panel: query.names - known for query in queries() if query.names - known} == {}


# By Prometheus itself


def program(name: str) -> str:
    """Where scripts/setup has put it, or the machine has it."""
    found = shutil.which(name, path=f"{ROOT}/.venv/prometheus/usr/bin{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {name} (scripts/setup dev)")
    return found


def test_promtool_has_nothing_against_what_is_ours(cluster: Cluster) -> None:
    text = cluster.get("/sparkspace/metrics", cluster.user).text
    checked = subprocess.run([program("promtool"), "check", "metrics"], input=text, text=True, capture_output=True)
    assert checked.returncode in (0, 3), checked.stderr  # 3: some of Spark's names are not as they should be
    said = (checked.stdout + checked.stderr).splitlines()
    assert [line for line in said if not line.startswith("metrics_")] == []


CONFIGURATION = """\
scrape_configs:
  - job_name: my-spark-cluster
    scrape_interval: 5s
    metrics_path: /sparkspace/metrics
    basic_auth: {{username: {user}, password: "{password}"}}
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """A server, and its API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, **query: str) -> Any:  # noqa: ANN401
        """What the API answers; it has to be a success."""
        reply = requests.get(f"{self._url}/api/v1/{path}", params=query, timeout=60).json()
        assert reply["status"] == "success", reply
        return reply["data"]

    def series(self, query: Query) -> list[Any]:
        """What it finds now."""
        found: list[Any] = self.ask("query", query=query.of("my-spark-cluster"))["result"]
        return found


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that scrapes the cluster with the password, as docs/operations.md says."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (user, password), target = cluster.user, cluster.box.record["web"].removeprefix("http://")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(user=user, password=password, target=target))
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            [program("prometheus"), *words, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
    try:
        found = Prometheus(f"http://127.0.0.1:{port}")
        until(lambda: [each["health"] for each in found.ask("targets")["activeTargets"]] == ["up"], 60, 1)
        yield found
    finally:
        server.terminate()
        server.wait(30)


def test_prometheus_takes_all_of_it(prometheus: Prometheus) -> None:
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert target["lastError"] == ""
    said = requests.get(f"{prometheus._url}/metrics", timeout=60).text
    for name in ("duplicate_timestamp", "out_of_order", "out_of_bounds"):
        assert f"prometheus_target_scrapes_sample_{name}_total 0\n" in said


def test_every_panel_has_something_to_show(prometheus: Prometheus) -> None:
    """A rate takes two scrapes."""

    def empty() -> set[str]:
        shown = {query.panel for query in queries() if prometheus.series(query)}
        return {query.panel for query in queries()} - shown - QUIET

    until(lambda: not empty(), 4 * int(INTERVAL[:-1]), 2)
    assert empty() == set()
