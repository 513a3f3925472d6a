"""Every version of the table, built as Heroku builds it; its slug's own launchers then make a cluster, and jobs run."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from buildpack import versions
from buildpack.app import LEAST_JAVA, LEAST_PYTHON
from sparkspace import launch

from ..launchers import SECRET
from ..s3 import artifacts
from .build import STACK, Slug, lay_repository, slug
from .space import APP, Space

# A build, a cluster and five drivers, on two cores that others may use too.
pytestmark = [pytest.mark.spark, pytest.mark.box, pytest.mark.versions, pytest.mark.timeout(2400)]

BUCKET = {
    "SPARK_S3_BUCKET_NAME": "the-bucket",
    "SPARK_S3_AWS_ACCESS_KEY_ID": artifacts.KEY,
    "SPARK_S3_AWS_SECRET_ACCESS_KEY": artifacts.SECRET,
    "SPARK_S3_AWS_REGION": "eu-west-1",
    "SPARKSPACE_S3_ENDPOINT": f"http://1.s3.{APP}:{artifacts.PORT}",
    "SPARK_DEFAULT_CORES": "1",  # so that jobs run beside each other
    "SPARK_EXECUTOR_MEMORY": "600m",
}
SHELL = r"""
println("\nfound spark " + spark.version + " scala " + scala.util.Properties.versionNumberString)
println("\nfound java " + sc.parallelize(1 to 1).map(_ => System.getProperty("java.version")).first)
sc.parallelize(1 to 10000).saveAsObjectFile("s3a://the-bucket/x")
println("\nfound sum " + sc.objectFile[Int]("s3a://the-bucket/x").reduce(_ + _))
spark.range(1000).selectExpr("id", "id % 3 AS third").write.partitionBy("third").parquet("s3n://the-bucket/y")
val third = spark.read.parquet("s3://the-bucket/y").where("third = 2")
println("\nfound third " + third.selectExpr("sum(id)").first.getLong(0))
"""
# Spark's own spark-submit, without our launcher and without our secret: it goes on trying for a minute.
STRANGER = """\
cat >"$TMPDIR/stranger.py" <<'END'
from pyspark.sql import SparkSession as S
print("GOT", "IN", S.builder.getOrCreate().range(9).count())
END
url=$(bin/master-url); home=$(python3 -c 'import pyspark; print(*pyspark.__path__)'); unset SPARKSPACE_SECRET
export SPARK_LOCAL_IP=$HEROKU_PRIVATE_IP
exec "$home/bin/spark-submit" --master "$url" {conf} "$TMPDIR/stranger.py"
"""
CRYPTO = (
    "authenticate=true",
    "network.crypto.enabled=true",
    "network.crypto.cipher=AES/GCM/NoPadding",
    "network.crypto.authEngineVersion=2",
    "network.crypto.saslFallback=false",
)
ANOTHER = "another-secret-of-another-cluster"
HANDSHAKE = f"""\
import os, socket, sys
sys.path[:0] = [os.environ["HOME"], os.path.join(os.environ["HOME"], ".heroku", "sparkspace")]
from sparkspace.cluster import handshake as h
for secret in (os.environ["SPARKSPACE_SECRET"], "{ANOTHER}"):
    with socket.create_connection(("1.master.{APP}", 7077), 10) as c:
        c.sendall(h.request(h.challenge(secret)))
        print(h.answer(c)[0])
"""
RPC_RESPONSE, RPC_FAILURE = "4", "5"


def python_for(line: versions.Line) -> str:
    """The newest Python of this machine, pyenv's among them, that the version runs on."""
    oldest, newest = (tuple(map(int, each.split("."))) for each in line.python)
    for minor in range(newest[1], max(oldest, LEAST_PYTHON)[1] - 1, -1):
        found = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/python3"))
        for program in [*found[-1:], f"python3.{minor}"]:
            with contextlib.suppress(OSError):
                if subprocess.run([program, "-c", "import ensurepip"], cwd="/", capture_output=True).returncode == 0:
                    return str(program)
    pytest.skip(f"Spark {line.version} runs on Python {line.python[0]} to {line.python[1]}, and there is none here")


def java_for(line: versions.Line) -> Path:
    """The newest Java of this machine that the version runs on."""
    homes = [launch.java_home({"PATH": STACK["PATH"]}), *Path("/usr/lib/jvm").glob("*/")]
    fit = [home for home in homes if launch.java_version(home) in line.java and launch.java_version(home) >= LEAST_JAVA]
    if not fit:
        pytest.skip(f"Spark {line.version} runs on Java {line.java}, and there is none here")
    return max(fit, key=launch.java_version)


@pytest.fixture(scope="module", params=versions.versions())
def line(request: pytest.FixtureRequest) -> versions.Line:
    """One version after another."""
    return versions.resolve(request.param)


@pytest.fixture(scope="module")
def built(line: versions.Line, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slug]:
    """This repository, built with that version."""
    folder = tmp_path_factory.mktemp("line")
    app = slug(folder / "app", folder / "cache", python_for(line), java_for(line))
    lay_repository(app)
    app.write({".spark.version": f"{line.version}\n"})
    artifacts.configure(app.folder)
    try:
        done = app.run("compile", app.folder)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(app.cache)
        yield app
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def space(built: Slug) -> Iterator[Space]:
    """A master, a worker and a bucket."""
    with Space(built, BUCKET) as space:
        space.start("s3", f"exec {artifacts.command(artifacts.server())}")
        space.start("master", "exec bin/spark-master")
        space.start("worker", "exec bin/spark-worker")
        until_there_is_a_bucket(space)
        ready = space.run("bin/sparkspace wait --workers 1 --timeout 180")
        assert ready.code == 0, ready.stderr + space.log("master").read_text() + space.log("worker").read_text()
        yield space


def until_there_is_a_bucket(space: Space) -> None:
    end = time.monotonic() + 90
    while (made := space.run("exec python3 tests/s3/asker.py PUT ''")).stdout[:3] != "200":
        assert time.monotonic() < end, made
        time.sleep(0.5)


@pytest.fixture(scope="module")
def strangers(space: Space) -> dict[str, Popen[str]]:
    """Both begin before the other tests do."""
    guess = " ".join(f"--conf spark.{each}" for each in (*CRYPTO, f"authenticate.secret={ANOTHER}"))
    flags = {"bare": "", "guess": guess}
    return {name: space.start(name, STRANGER.format(conf=conf)) for name, conf in flags.items()}


def test_table_is_right(line: versions.Line, built: Slug) -> None:
    """What is in the jars, and not what they are called."""
    site = next((built.folder / ".heroku/python/lib").glob("python3.*/site-packages"))
    jars, maven = site / "pyspark" / "jars", "META-INF/maven/org.apache.hadoop"
    found = {
        "hadoop": stated(jars, "hadoop-client-api-*.jar", "common-version-info.properties", "version"),
        "hadoop-aws": stated(jars, "hadoop-aws-*.jar", f"{maven}/hadoop-aws/pom.properties", "version"),
        "scala": stated(jars, "scala-library-*.jar", "library.properties", "version.number").rpartition(".")[0],
        "spark": stated(jars, f"spark-core_{line.scala}-*.jar", "META-INF/MANIFEST.MF", "Implementation-Version"),
    }
    wanted = {"hadoop": line.hadoop, "hadoop-aws": line.hadoop, "scala": line.scala, "spark": line.version}
    assert found == wanted
    metadata = (site / f"pyspark-{line.version}.dist-info" / "METADATA").read_text()
    pythons = re.findall(r"^Classifier: Programming Language :: Python :: (3\.\d+)$", metadata, re.MULTILINE)
    assert (pythons[0], pythons[-1]) == line.python


def stated(jars: Path, name: str, file: str, key: str) -> str:
    """A property of a file in the one jar of that name."""
    [jar] = jars.glob(name)
    with zipfile.ZipFile(jar) as zip:
        text = zip.read(file).decode()
    found = re.search(rf"^{re.escape(key)} *[=:] *(\S+)", text, re.MULTILINE)
    return found[1] if found else f"no {key} in {file} of {jar.name}"


def test_python_runs_on_the_cluster(space: Space, strangers: object) -> None:
    done = space.run("bin/spark-submit tests/slug/job.py")
    found = dict(re.findall(r"^found (\S+) (.*)$", done.stdout, re.MULTILINE))
    assert found.get("words") == "[('dna', 4182), ('eht', 9819), ('fo', 5239)]", done.stderr
    assert found["hosts"] == "['127.0.0.3']"
    assert complaints(done.stderr) == []


def test_scala_shell_and_the_bucket(line: versions.Line, space: Space) -> None:
    done = space.run("bin/spark-shell", stdin=SHELL)
    found = dict(re.findall(r"^found (\S+) (.*)$", done.stdout.replace("\r", ""), re.MULTILINE))
    assert found.get("sum") == "50005000", done.stdout + done.stderr
    assert found["third"] == str(sum(range(2, 1000, 3)))
    assert re.fullmatch(rf"{re.escape(line.version)} scala {re.escape(line.scala)}\.\d+", found["spark"])
    assert int(found["java"].split(".")[0]) == launch.java_version(space.slug.folder / ".jdk")
    marker = space.run("exec python3 tests/s3/asker.py GET y/_SUCCESS")
    assert json.loads(marker.stdout.removeprefix("200 "))["committer"] == "magic"
    assert complaints(done.stderr) == []


def test_finished_applications_can_be_read(space: Space) -> None:
    space.start("history", "exec bin/spark-history")
    page = f"http://1.history.{APP}:18080/api/v1/applications"
    done = space.run(f"curl -s --retry 60 --retry-delay 1 --retry-all-errors {page}")
    assert '"name" : "words and a function"' in done.stdout, done.stderr + space.log("history").read_text()


def test_another_secret_is_refused(space: Space) -> None:
    done = space.run("bin/spark-submit examples/word_count.py", SPARKSPACE_SECRET=ANOTHER)
    assert done.code == 78
    assert f"SPARKSPACE_SECRET must be the same as that of the master at 1.master.{APP}" in done.stderr
    assert space.run("exec python3 -", stdin=HANDSHAKE).stdout.split() == [RPC_RESPONSE, RPC_FAILURE]


@pytest.mark.parametrize("name", ["bare", "guess"])
def test_strangers_do_not_get_in(space: Space, strangers: dict[str, Popen[str]], name: str) -> None:
    code = strangers[name].wait(200)
    said = space.log(name).read_text()
    assert code == 1 and "All masters are unresponsive" in said and "GOT IN" not in said, said


def test_no_port_for_rest(space: Space) -> None:
    tables = space.run("cat /proc/net/tcp /proc/net/tcp6").stdout
    ports = {int(row.split()[1].rpartition(":")[2], 16) for row in tables.splitlines() if " 0A " in row}
    assert {7077, 8080, 8081} <= ports
    assert 6066 not in ports


def test_daemons_complain_of_nothing(space: Space) -> None:
    for kind in ("master", "worker"):
        log = space.log(kind).read_text()
        assert "INFO" in log and SECRET not in log
        assert complaints(log) == []


def complaints(log: str) -> list[str]:
    """What Spark says of conf that it does not know, or not any more."""
    words = r"WARN SparkConf|(?:WARN|ERROR) .*(?:deprecated|[Uu]nrecognized)|Ignoring non-Spark|bad option"
    return [text for text in log.splitlines() if re.search(words, text)]
