"""Our own ZooKeepers in a box: three of them, three masters, a job, and what goes on when some of these are killed."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkspace import launch
from sparkspace.cluster.ensemble import mode

from .conftest import Box, copy_of_repository, until
from .cycled import Job
from .inside import SMALL, STREAM, ZOOKEEPERS, accepts, all_serve, goes_on, jvm, leading, modes

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(900)]
AWAY_S = 35


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Three masters, three ZooKeepers, a worker."""
    box = copy_of_repository(tmp_path_factory.mktemp("zookeeper") / "repository")
    formation = json.loads((box.folder / "app.json").read_text())["formation"]
    (box.folder / "app.json").write_text(json.dumps({"formation": {**formation, "web": {"quantity": 0}}}))
    box("up", "--detach", "--network", "loopback", "--masters", "3", "--zookeepers", "3", "--workers", "1")
    try:
        box("wait", "--workers", "1", "--timeout", "240")
        yield box
    finally:
        box("down")


@pytest.fixture
def stream(box: Box, tmp_path: Path) -> Iterator[Job]:
    """A job that runs, and that has to end as it should."""
    with Job(box, SMALL, STREAM, tmp_path / "end") as job:
        job.line("round")
        yield job
        goes_on(job)
        (tmp_path / "end").touch()
        job.line("done")
        assert job.process.wait(60) == 0


def test_up_sets_the_config_vars(box: Box) -> None:
    config = box.api("GET", "config-vars").json()
    assert (config["SPARK_MASTERS"], config["SPARKSPACE_ZOOKEEPERS"]) == ("3", "3")


def test_killed_leader_of_the_zookeepers_is_noticed_by_nobody(box: Box, stream: Job) -> None:
    until(lambda: all_serve(box))
    before = leading(box)
    process = jvm(box, before)
    killed = next(dyno for dyno, what in modes(box).items() if what == "leader")
    jvm(box, killed).kill()
    goes_on(stream)
    until(lambda: all_serve(box), 120)
    assert leading(box) == before
    assert process.is_running()
    accepts(box)


def test_zookeepers_hand_on_what_they_know_and_a_master_takes_over(
    box: Box, stream: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is restarted, with an empty disk; so what the next master knows was handed on three times."""
    before = leading(box)
    for dyno in ZOOKEEPERS:
        until(lambda: all_serve(box), 120)
        old = jvm(box, dyno)
        box("restart", dyno)
        until(lambda old=old: not old.is_running(), 60)  # type: ignore[misc]
    until(lambda: all_serve(box), 120)
    assert leading(box) == before
    killed_at = time.monotonic()
    jvm(box, before).kill()
    until(lambda: leading(box) not in ("", before), 180)
    with capsys.disabled():
        print(f"\nanother master was seen ALIVE {time.monotonic() - killed_at:.1f} s after kill -9 of the leading one")
    assert "stream" in box.out("status")
    accepts(box)


@pytest.mark.long
def test_one_that_has_learnt_keeps_what_it_knows_while_two_are_away(box: Box, stream: Job) -> None:
    """For longer than one without a vote waits for the others."""
    until(lambda: all_serve(box), 120)
    first, *others = (jvm(box, dyno) for dyno in ZOOKEEPERS)
    for each in others:
        each.suspend()
    try:
        time.sleep(AWAY_S)
    finally:
        for each in others:
            each.resume()
    assert first.is_running()
    until(lambda: all_serve(box), 120)
    until(lambda: leading(box), 180, 1)
    assert "stream" in box.out("status")
    accepts(box)


def derived(secret: str) -> str:
    """The password that a cluster's secret makes (jvm/main/Login.scala)."""
    return hmac.digest(secret.encode(), b"sparkspace zookeeper", "sha256").hex()


def ask(box: Box, folder: Path, jaas: str) -> str:
    """What ZooKeeper's own client shows of the root to somebody who logs in like this."""
    (folder / "jaas.conf").write_text(jaas)
    address = jvm(box, "zookeeper.1").environ()["HEROKU_PRIVATE_IP"]
    java = (
        launch.java_home(os.environ) / "bin" / "java", "-Dzookeeper.fips-mode=false", "-Xmx64m",
        f"-Djava.security.auth.login.config={folder / 'jaas.conf'}", "-cp", launch.spark_home({}) / "jars" / "*",
    )  # fmt: skip
    client = ("org.apache.zookeeper.ZooKeeperMain", "-timeout", "8000", "-server", f"{address}:2181", "ls", "/")
    done = subprocess.run([*java, *client], capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def login(password: str) -> str:
    module = "org.apache.zookeeper.server.auth.DigestLoginModule"
    return f'Client {{ {module} required username="sparkspace" password="{password}"; }};'


def test_strangers_see_nothing(box: Box, tmp_path: Path) -> None:
    secret = box.api("GET", "config-vars").json()["SPARKSPACE_SECRET"]
    shown = "[sparkspace.app.localspace, zookeeper]"
    assert shown in ask(box, tmp_path, login(derived(secret)))
    for jaas in (login(derived(secret[::-1])), login(secret), ""):
        answer = ask(box, tmp_path, jaas)
        assert "sparkspace.app.localspace" not in answer
        assert "KeeperErrorCode = " in answer


@pytest.mark.long
def test_a_stranger_is_no_member(box: Box, tmp_path: Path) -> None:
    """In the place of one that was stopped: with the secret it serves, so it is the secret that the other lacks."""
    until(lambda: all_serve(box))
    third = jvm(box, "zookeeper.3")
    env = {**third.environ(), "SPARK_CONF_DIR": str(tmp_path)}
    config = (Path(third.environ()["SPARK_CONF_DIR"]) / "zoo.cfg").read_text()
    (tmp_path / "zoo.cfg").write_text(f"{config}\ndataDir={tmp_path}/data\n")
    (tmp_path / "log4j2.properties").write_text(
        (Path(third.environ()["SPARK_CONF_DIR"]) / "log4j2.properties").read_text()
    )
    argv = third.cmdline()
    box("stop", "zookeeper.3")
    until(lambda: not third.is_running(), 60)
    for secret, serves in (("x" * 64, False), (env["_SPARK_AUTH_SECRET"], True)):
        assert joins(argv, {**env, "_SPARK_AUTH_SECRET": secret}, tmp_path) == serves
    until(lambda: all_serve(box), 120)


def joins(argv: list[str], env: dict[str, str], folder: Path) -> bool:
    """Whether a member becomes part of the quorum before it has said a few times that the others refuse it."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "myid").write_text("3\n")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if mode(env["HEROKU_PRIVATE_IP"]):
                return True
            if (folder / "log").read_text().count("Authentication failed against server") > 4:
                return False
            time.sleep(0.5)
        raise AssertionError((folder / "log").read_text()[-3000:])
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_all_at_once_are_empty_and_the_cluster_comes_back(box: Box) -> None:
    """The last test: what ran before is lost."""
    old = [jvm(box, dyno) for dyno in ZOOKEEPERS]
    box("restart", "zookeeper")
    until(lambda: not any(process.is_running() for process in old), 60)
    until(lambda: all_serve(box), 120)
    until(lambda: leading(box), 120, 1)
    box("restart", "worker")  # it may dial the master that led before, and no other
    box("wait", "--workers", "1", "--timeout", "180")
    accepts(box)
