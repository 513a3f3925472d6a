"""Our own ZooKeepers before they run: which member a dyno is, whether it votes, its conf file and its command."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from sparkspace import launch
from sparkspace.cluster import ensemble, roles
from sparkspace.cluster.ensemble import is_serving
from sparkspace.config import Dyno, Settings
from sparkspace.errors import ConfigError

from . import launchers
from .launchers import FACTS, SECRET

THIRD = {
    **FACTS,
    "DYNO": "zookeeper.3",
    "HEROKU_DNS_DYNO_NAME": "3.zookeeper.myapp.app.localspace",
    "SPARKSPACE_SECRET": SECRET,
    "SPARKSPACE_ZOOKEEPERS": "3",
}


def place(env: dict[str, str]) -> roles.Place:
    return roles.Place.from_env({**env, **THIRD, "DYNO_RAM": "1024"})


def properties(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_members_are_dialled_by_name_and_itself_by_address(dyno: dict[str, str]) -> None:
    found = properties(roles.zookeeper(place(dyno), Path("/data")).files["zoo.cfg"])
    assert {name: value for name, value in found.items() if name.startswith("server.")} == {
        "server.1": "1.zookeeper.myapp.app.localspace:2888:3888",
        "server.2": "2.zookeeper.myapp.app.localspace:2888:3888",
        "server.3": "127.0.0.1:2888:3888",
    }
    assert (found["dataDir"], found["clientPortAddress"], found["clientPort"]) == ("/data", "127.0.0.1", "2181")


def test_a_master_that_is_silent_has_lost_the_lead_within_seconds(dyno: dict[str, str]) -> None:
    found = properties(roles.zookeeper(place(dyno), Path("/data")).files["zoo.cfg"])
    session, tick = int(found["maxSessionTimeout"]), int(found["tickTime"])
    assert session + tick <= 15_000
    assert int(found["syncLimit"]) * tick < session


def test_command_has_a_heap_and_no_secret(dyno: dict[str, str]) -> None:
    member = roles.zookeeper(place(dyno), Path("/data"))
    assert member.argv[:2] == (f"{dyno['JAVA_HOME']}/bin/java", "-Xmx409m")
    assert member.argv[-3:] == ("-cp", f"{dyno['SPARK_HOME']}/jars/*", "org.apache.spark.sparkspace.Ensemble")
    assert SECRET not in f"{member.argv} {member.files}"
    assert member.command(Path("/conf")).env["_SPARK_AUTH_SECRET"] == SECRET


def test_operator_s_options_come_last(dyno: dict[str, str]) -> None:
    chosen = {"SPARK_DAEMON_MEMORY": "200m", "SPARK_DAEMON_JAVA_OPTS": "-ea -Da='b c'"}
    argv = roles.zookeeper(place({**dyno, **chosen}), Path("/data")).argv
    assert argv[1] == "-Xmx200m"
    assert argv[-5:-3] == ("-ea", "-Da=b c")


@pytest.mark.parametrize(("serving", "has_vote"), [((), True), ((1,), False), ((1, 2), False), ((3,), True)])
def test_who_comes_back_empty_has_no_vote(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, serving: tuple[int, ...], has_vote: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ensemble, "is_serving", lambda host: int(host.partition(".")[0]) in serving)
    dyno, settings = Dyno.from_env(THIRD), Settings.from_env(THIRD)
    folder = ensemble.data(ensemble.number(dyno, settings), ensemble.others(dyno, settings))
    assert {path.name for path in folder.iterdir()} == ({"myid", "initialize"} if has_vote else {"myid"})
    assert (folder / "myid").read_text() == "3\n"


@pytest.mark.parametrize(("name", "size", "would"), [("zookeeper.4", "3", "5"), ("zookeeper.1", "0", "3")])
def test_a_dyno_beyond_the_ensemble_is_refused(name: str, size: str, would: str) -> None:
    env = {**THIRD, "DYNO": name, "SPARKSPACE_ZOOKEEPERS": size}
    with pytest.raises(ConfigError) as refused:
        ensemble.number(Dyno.from_env(env), Settings.from_env(env))
    assert refused.value.message.startswith(f"SPARKSPACE_ZOOKEEPERS must count this dyno, {name}")
    assert refused.value.cure == f"Set it with: heroku config:set SPARKSPACE_ZOOKEEPERS={would}"


def test_launcher_takes_no_arguments_and_needs_our_jar(dyno: dict[str, str]) -> None:
    ended = launchers.run("zookeeper", "start", env={**dyno, **THIRD})
    assert (ended.code, ended.lines[1]) == (64, " !     zookeeper takes no arguments, but got 'start'.")
    ended = launchers.run("zookeeper", env={**dyno, **THIRD})
    assert ended.code == 72
    assert ended.lines[1] == f" !     {dyno['SPARK_HOME']}/jars has no sparkspace-jvm.jar."


def test_launcher_becomes_java(dyno: dict[str, str]) -> None:
    launchers.fake_program(Path(dyno["JAVA_HOME"], "bin", "java"))
    Path(dyno["SPARK_HOME"], "jars", roles.OUR_JAR).touch()
    ended = launchers.run("zookeeper", env={**dyno, **THIRD})
    conf = Path(ended.echo["env"]["SPARK_CONF_DIR"])
    assert {path.name for path in conf.iterdir()} == {"zoo.cfg", "log4j2.properties"}
    data = Path(properties((conf / "zoo.cfg").read_text())["dataDir"])
    assert (data / "myid").read_text() == "3\n"
    assert os.stat(data).st_mode & 0o777 == 0o700
    assert ended.lines[-1] == "sparkspace at=exec dyno=zookeeper.3 program=zookeeper of=3 votes=at-once"


@pytest.mark.spark
def test_zookeeper_says_that_it_serves(tmp_path: Path) -> None:
    """A real one, of the jars that Spark has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert not is_serving("127.0.0.1", port)
    java, jars = launch.java_home({}) / "bin" / "java", launch.spark_home({}) / "jars" / "*"
    server = "org.apache.zookeeper.server.ZooKeeperServerMain"
    process = subprocess.Popen([java, "-Xmx64m", "-cp", jars, server, str(port), tmp_path], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not is_serving("127.0.0.1", port):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
