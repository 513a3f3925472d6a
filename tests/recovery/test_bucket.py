"""The state of a master in a bucket: a store that speaks S3, and that does not answer for a while."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sparkspace.cluster import bucket
from sparkspace.config import S3
from sparkspace.errors import LaunchError

from ..s3 import artifacts
from . import masters
from .masters import Cluster, Driver, until

pytestmark = [pytest.mark.spark, pytest.mark.box]  # box: the store has to be fetched
BUCKET = "the-bucket"
PLACE = f"spark-recovery/{masters.APP}/"


@dataclass
class Store:
    """A store, and its bucket as the cluster knows it."""

    process: subprocess.Popen[bytes]
    s3: S3

    def names(self) -> list[str]:
        """The files of the master's folder."""
        listed = bucket.ask(self.s3, "GET", query={"list-type": "2", "prefix": PLACE}).text
        return [key.removeprefix(PLACE) for key in re.findall(r"<Key>([^<]+)</Key>", listed)]

    def is_there(self) -> bool:
        """Whether it answers, and has the bucket by now."""
        try:
            return bucket.ask(self.s3, "PUT").status == 200
        except LaunchError:
            return False


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose bucket is in no store yet."""
    config = {"SPARK_S3_BUCKET_NAME": BUCKET, "SPARK_S3_AWS_ACCESS_KEY_ID": artifacts.KEY,
              "SPARK_S3_AWS_SECRET_ACCESS_KEY": artifacts.SECRET, "SPARKSPACE_RECOVERY_DIR": ""}  # fmt: skip
    with masters.opened(tmp_path_factory.mktemp("bucket"), **config) as found:
        found.config["SPARKSPACE_S3_ENDPOINT"] = f"http://{found.address()}:{artifacts.PORT}"
        yield found


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[Store]:
    """The store, with the bucket."""
    endpoint = cluster.config["SPARKSPACE_S3_ENDPOINT"]
    artifacts.configure(cluster.folder)
    properties = cluster.folder / "s3proxy.properties"
    properties.write_text(re.sub(r"http://\S+", endpoint, properties.read_text()))
    command = ["sh", "-c", f"exec {artifacts.command(artifacts.server())}"]
    process = subprocess.Popen(command, cwd=cluster.folder)
    found = Store(process, S3(BUCKET, artifacts.KEY, artifacts.SECRET, "us-east-1", endpoint))
    try:
        until(found.is_there)
        yield found
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def driver(cluster: Cluster, store: Store) -> Driver:
    """A driver, with a master and a worker."""
    cluster.alive()
    cluster.worker()
    found = cluster.driver("--conf", "spark.eventLog.enabled=false")
    found.ready()
    return found


def test_state_is_in_the_bucket_and_nothing_else_is(driver: Driver, store: Store) -> None:
    assert [re.sub(r"-\w{8}(?=-|$)", "-ID", name) for name in store.names() if name] == [
        "claim-0000000001-ID", "state-0000000001-ID-0000000001", "state-0000000001-ID-0000000002",
    ]  # fmt: skip


def test_application_outlives_its_master(cluster: Cluster, driver: Driver) -> None:
    driver.begin()
    cluster.newest.kill()
    cluster.alive()
    driver.answers()


def test_store_that_does_not_answer_for_a_while(cluster: Cluster, driver: Driver, store: Store) -> None:
    master = cluster.newest
    store.process.send_signal(signal.SIGSTOP)
    try:
        driver.begin()
        master.says("for 1. s the claim could not be confirmed", 25)
    finally:
        store.process.send_signal(signal.SIGCONT)
    driver.answers()
    late = cluster.driver("--conf", "spark.eventLog.enabled=false")
    assert late.ready() in master.applications()
    late.close()
    until(lambda: len(master.applications()) == 1)


def test_older_of_two_masters_ends(cluster: Cluster, driver: Driver, store: Store) -> None:
    older = cluster.newest
    cluster.alive()
    older.says("is a newer master's, so this one ends", 20)
    older.process.wait(5)
    driver.begin()
    driver.answers()
    until(lambda: len([name for name in store.names() if name.startswith("claim-")]) == 1)
