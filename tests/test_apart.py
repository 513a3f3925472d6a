"""A cluster of its own in a dyno: it has nothing of the one that runs, and all that decides how Spark starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from sparkspace import conf, ports, sizing, topology
from sparkspace.cluster import apart, roles
from sparkspace.config import MASTER_HOST, Dyno, Settings

from .launchers import FACTS, S3, SECRET

# All that leads to the cluster that runs, as far as an operator can set it.
RUNNING = {
    **FACTS,
    **S3,
    "SPARKSPACE_SECRET": SECRET,
    "SPARK_MASTERS": "3",
    "SPARKSPACE_ZOOKEEPERS": "3",
    "SPARKSPACE_MASTER_APP": "another",
    "SPARKSPACE_RECOVERY_DIR": "file:///kept",
    "SPARK_HEROKU_ACCESS_TOKEN": "a-token",
    "SPARKSPACE_WORKERS_MIN": "0",
    "SPARKSPACE_WORKERS_MAX": "9",
    "SPARK_EXECUTOR_MEMORY": "20g",
    "SPARK_LOCAL_DIRS": "/mnt/of-a-worker",
    "SPARK_WORKER_DIR": "/mnt/of-a-worker",
    "LOG_LEVEL": "ERROR",
    "SPARK_DAEMON_JAVA_OPTS": "-Dspark.deploy.recoveryMode=ZOOKEEPER -Dspark.deploy.zookeeper.url=zoo:2181 -Dmine=1",
    "SPARKSPACE_CONF": "spark.master=spark://running:7077\nspark.deploy.recoveryMode=ZOOKEEPER\nspark.driver.port=4000\n"
    "spark.driver.host=10.1.1.1\nspark.hadoop.fs.s3a.proxy.port=3128\nspark.sql.ansi.enabled=true;false",
}  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> apart.Apart:
    return apart.Apart(RUNNING, tmp_path, "127.250.1.2")


def place(own: apart.Apart, process_type: str) -> roles.Place:
    env = own.environment(process_type)
    return roles.Place(env, Dyno.from_env(env), Settings.from_env(env), sizing.Capacity(2560, 2))


@pytest.mark.parametrize("process_type", ["master", "worker", "run"])
def test_nothing_leads_to_the_running_cluster(own: apart.Apart, process_type: str) -> None:
    found = place(own, process_type)
    assert topology.master_url(found.dyno, found.settings) == "spark://127.250.1.2:7077"
    assert topology.master_ui_urls(found.dyno, found.settings) == ["http://127.250.1.2:8080"]
    assert (found.settings.has_zookeeper, found.settings.cycling, found.settings.scaling) == (False, None, None)
    assert roles.recovery_dir(found) == ""
    assert found.settings.secret not in (SECRET, "")
    assert "SPARK_HEROKU_ACCESS_TOKEN" not in found.env
    assert FACTS["HEROKU_DNS_APP_NAME"] not in " ".join(found.env.values())


def test_master_s_own_files_lead_nowhere_either(own: apart.Apart) -> None:
    said = conf.properties(roles.daemon_conf(place(own, "master"))["spark-defaults.conf"])
    assert "spark.deploy.recoveryMode" not in said and "spark.master" not in said
    assert own.environment("master")["SPARK_DAEMON_JAVA_OPTS"].split() == ["-Dmine=1"]
    launched = roles.master(place(own, "master"), []).env
    assert launched["SPARK_LOCAL_DIRS"] != "/mnt/of-a-worker" != launched["SPARK_WORKER_DIR"]


def test_how_spark_starts_is_as_it_is_for_all(own: apart.Apart) -> None:
    settings = place(own, "run").settings
    assert dict(settings.extra_conf) == {
        "spark.hadoop.fs.s3a.proxy.port": "3128",
        "spark.sql.ansi.enabled": "true;false",
        "spark.deploy.appIdPattern": "timing-%s-%04d",
    }
    assert settings.s3 and settings.event_log_dir == "s3a://my-bucket/spark-events"
    assert (settings.log_level, settings.executor_memory_mb) == ("INFO", None)


def test_a_property_with_a_semicolon_stays_one(tmp_path: Path) -> None:
    """The only line that is kept would be read as two."""
    own = apart.Apart({**RUNNING, "SPARKSPACE_CONF": "spark.a=b;c\nspark.master=local"}, tmp_path, "127.250.1.2")
    assert ("spark.a", "b;c") in place(own, "run").settings.extra_conf


def test_each_has_a_secret_of_its_own_that_nobody_prints(tmp_path: Path) -> None:
    first, second = (apart.Apart({}, tmp_path, "127.250.1.2") for _ in range(2))
    assert first.secret != second.secret
    assert first.secret not in repr(first)


def test_address_is_one_that_nobody_else_listens_at(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([1, 2, 3, 1, 2, 4])  # the first address is taken
    monkeypatch.setattr(apart.secrets, "randbelow", lambda _: next(numbers))
    with socket.create_server(("127.241.2.4", ports.MASTER)):
        assert apart.free_address() == "127.241.2.5"


def test_without_it_names_tell_where_the_masters_are() -> None:
    assert Dyno.from_env(FACTS).master_host == ""
    assert topology.master_hosts(Dyno.from_env({**FACTS, MASTER_HOST: "127.250.1.2"}), Settings.from_env({})) == [
        "127.250.1.2"
    ]
