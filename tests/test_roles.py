"""What each launcher becomes: every argument and every variable that Spark is given, told by a fake Spark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sparkspace.cluster import jvm

from . import launchers
from .launchers import S3, SECRET, SECRETS

URL = "spark://1.master.myapp.app.localspace:7077"
JAVA = "-Dsun.net.inetaddr.ttl=5 -Dsun.net.inetaddr.negative.ttl=1"
SMALL = f"{jvm.QUICK} {jvm.SERIAL} -XX:InitialHeapSize=48m {jvm.LITTLE}"
EXPORTED = {"SPARK_ENV_LOADED": "1", "SPARK_SCALA_VERSION": "2.13"}
PYTHON = launchers.ROOT / "sparkspace" / "code" / "python"
CORES = str(len(os.sched_getaffinity(0)))


@pytest.fixture
def dyno(dyno: dict[str, str]) -> dict[str, str]:
    """A dyno of 2.5 GB with a bucket, whose operator has set what we compute."""
    return {**dyno, **S3, "DYNO_RAM": "2560", "SPARK_CONF_DIR": "/nonexistent", "SPARK_MASTER_HOST": "elsewhere"}


def argv(dyno: dict[str, str], launcher: str, *args: str, **env: str) -> list[str]:
    """The arguments that Spark is given, the program's path from Spark's home."""
    given = launchers.run(launcher, *args, env={**dyno, **env}).echo["argv"]
    return [os.path.relpath(given[0], dyno["SPARK_HOME"]), *given[1:]]


MASTER = "org.apache.spark.deploy.master.Master --host 127.0.0.1 --port 7077 --webui-port 8080"
WORKER = "org.apache.spark.deploy.worker.Worker --host 127.0.0.1"


@pytest.mark.parametrize(
    ("launcher", "args", "env", "given"),
    [
        ("spark-master", (), {}, f"bin/spark-class {MASTER}"),
        ("spark-master", ("--properties-file", "x"), {}, f"bin/spark-class {MASTER} --properties-file x"),
        ("spark-worker", (), {}, f"bin/spark-class {WORKER} --cores {CORES} --memory 1536m --webui-port 8081 {URL}"),
        (
            "spark-worker",
            ("--cores", "1"),
            {"SPARK_WORKER_CORES": "9", "SPARK_WORKER_MEMORY": "700m", "SPARKSPACE_MASTER_APP": "the-cluster"},
            f"bin/spark-class {WORKER} --cores 9 --memory 700m --webui-port 8081 --cores 1 "
            "spark://1.master.the-cluster.app.localspace:7077",
        ),
        (
            "spark-history",
            ("--properties-file", "x"),
            {"SPARKSPACE_EVENT_LOG_DIR": "file:/tmp"},
            "bin/spark-class org.apache.spark.deploy.history.HistoryServer --properties-file x",
        ),
        ("spark-submit", ("job.py",), {}, "bin/spark-submit --load-spark-defaults job.py"),
        ("spark-shell", (), {}, "bin/spark-shell --load-spark-defaults"),
        ("pyspark", ("--help",), {}, "bin/pyspark --load-spark-defaults --help"),
        ("spark-sql", ("-f", "x.sql"), {}, "bin/spark-sql --load-spark-defaults -f x.sql"),
    ],
)
def test_arguments(dyno: dict[str, str], launcher: str, args: tuple[str, ...], env: dict[str, str], given: str) -> None:
    assert argv(dyno, launcher, *args, **env) == given.split()


@pytest.mark.parametrize(
    "args",
    ["", "--conf a=b", "-v --name --properties-file job.py", "--supervise job.py a --properties-file x", "-f x.sql -v"],
)
def test_spark_3_knows_no_flag_of_ours(dyno: dict[str, str], tmp_path: Path, args: str) -> None:
    """It takes --load-spark-defaults for an error. A program may have an option like Spark's own."""
    old = {"SPARK_HOME": str(launchers.fake_spark(tmp_path / "old", "3.5.9"))}
    assert argv({**dyno, **old}, "spark-submit", *args.split()) == ["bin/spark-submit", *args.split()]


def test_arguments_arrive_as_they_are(dyno: dict[str, str]) -> None:
    strange = ["", "a b", "--conf", "spark.a=$HOME 'x' \"y\"", "*", "-é\n"]
    assert argv(dyno, "spark-submit", *strange)[2:] == strange


DROPPED = ("JAVA_TOOL_OPTIONS", "PYTHONHOME", "SPARK_CONF_DIR", "SPARK_MASTER_HOST")


@pytest.mark.parametrize(
    ("launcher", "more"),
    [
        (
            "spark-master",
            {
                **EXPORTED,
                "SPARK_DAEMON_MEMORY": "1024m",
                "SPARK_DAEMON_JAVA_OPTS": f"{JAVA} -Djava.io.tmpdir={{tmp}} {SMALL}",
            },
        ),
        (
            "spark-worker",
            {
                **EXPORTED,
                "SPARK_DAEMON_MEMORY": "384m",
                "SPARK_DAEMON_JAVA_OPTS": f"{JAVA} -Djava.io.tmpdir={{tmp}} {SMALL}",
                "JAVA_HOME": str(launchers.ROOT / "sparkspace" / "cycling" / "java"),
                "_SPARKSPACE_JAVA_HOME": "{java}",
                "_SPARKSPACE_PYTHON": str(Path(sys.executable).with_name("python3")),
            },
        ),
        (
            "pyspark",
            {
                "SPARK_PUBLIC_DNS": "127.0.0.1",
                "PYTHONPATH": f"{{path}}:{PYTHON}",
                "PYTHONSTARTUP": f"{PYTHON}/sparkspace_startup.py",
                "_SPARKSPACE_PYTHONSTARTUP": "{path}/sitecustomize.py",
            },
        ),
        ("spark-submit", {"SPARK_PUBLIC_DNS": "127.0.0.1", "PYTHONPATH": f"{{path}}:{PYTHON}"}),
    ],
)
def test_environment(dyno: dict[str, str], launcher: str, more: dict[str, str]) -> None:
    ended = launchers.run(launcher, env=dyno)
    given = ended.echo["env"]
    conf = Path(given.pop("SPARK_CONF_DIR"))
    tmp = dyno["TMPDIR"]
    assert {name: value for name, value in given.items() if name not in ("PWD", "LC_CTYPE")} == {
        **{name: value for name, value in dyno.items() if name not in DROPPED},
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_PUBLIC_DNS": "1.run.myapp.app.localspace",
        "SPARK_LOCAL_DIRS": f"{tmp}/spark",
        "SPARK_WORKER_DIR": f"{tmp}/spark-work",
        "PYSPARK_PYTHON": str(Path(sys.executable).with_name("python3")),
        "_SPARK_AUTH_SECRET": SECRET,
        "AWS_ACCESS_KEY_ID": S3["SPARK_S3_AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": S3["SPARK_S3_AWS_SECRET_ACCESS_KEY"],
        "AWS_REGION": "us-east-1",
        **{
            name: value.format(tmp=tmp, java=dyno["JAVA_HOME"], path=dyno["PYTHONPATH"]) for name, value in more.items()
        },
    }
    assert conf.parent == Path(tmp) / f"sparkspace-conf-{os.getuid()}"
    assert {path.name for path in conf.iterdir()} == {"spark-defaults.conf", "log4j2.properties"}
    assert "sparkspace at=ignored vars=SPARK_CONF_DIR,SPARK_MASTER_HOST reason=computed-by-sparkspace" in ended.lines


@pytest.mark.parametrize("launcher", ["spark-master", "spark-worker", "spark-shell"])
def test_secrets_go_through_the_environment_alone(dyno: dict[str, str], launcher: str) -> None:
    ended = launchers.run(launcher, env=dyno)
    conf = Path(ended.echo["env"]["SPARK_CONF_DIR"])
    places = {"argv": repr(ended.echo["argv"]), "stderr": ended.stderr}
    places |= {path.name: path.read_text() for path in conf.iterdir()}
    assert [(place, secret) for secret in SECRETS for place, text in places.items() if secret in text] == []


def test_operators_choices_stay(dyno: dict[str, str]) -> None:
    chosen = {
        "SPARK_DAEMON_MEMORY": "3g",
        "SPARK_LOCAL_DIRS": "/big",
        "SPARK_WORKER_DIR": "/wide",
        "PYSPARK_PYTHON": "/usr/bin/python3.12",
    }
    given = launchers.run("spark-worker", env={**dyno, **chosen, "SPARK_DAEMON_JAVA_OPTS": "-ea"}).echo["env"]
    assert {name: given[name] for name in chosen} == chosen
    assert given["SPARK_DAEMON_JAVA_OPTS"] == f"{JAVA} -Djava.io.tmpdir={dyno['TMPDIR']} {SMALL} -ea"


def test_daemon_says_what_it_becomes(dyno: dict[str, str]) -> None:
    ended = launchers.run("spark-master", env=dyno)
    assert ended.lines[-1] == f"sparkspace at=exec dyno=run.1 program=spark-master memory=2560MB cores={CORES}"
