"""A slug of this repository, as small as it should be, booted in a root that has nothing else; jobs on S3 run there."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from buildpack import report, versions
from sparkspace import launch

from ..box.conftest import Box, until
from ..s3.conftest import Store
from .build import ROOT, Slug, compressed

# A build, a cluster and five drivers, on two cores that others may use too.
pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(2400)]

# Millions of bytes, compressed, as bench/slug.py prints them: Spark, its client for S3 and the launchers; the archives.
WEIGHS_MB, ARCHIVE_WEIGHS_MB = 246.0, 82.6
MAY_GROW = 1.05
GOAL_MB = 250.0
SHELL = r"""
println("\nfound spark " + spark.version + " scala " + scala.util.Properties.versionNumberString)
println("\nfound java " + sc.parallelize(1 to 1).map(_ => System.getProperty("java.version")).first)
sc.parallelize(1 to 10000).saveAsObjectFile("s3a://the-bucket/x")
println("\nfound sum " + sc.objectFile[Int]("s3a://the-bucket/x").reduce(_ + _))
spark.range(1000).selectExpr("id", "id % 3 AS third").write.partitionBy("third").parquet("s3n://the-bucket/y")
val third = spark.read.parquet("s3://the-bucket/y").where("third = 2")
println("\nfound third " + third.selectExpr("sum(id)").first.getLong(0))
"""
ANOTHER = "another-secret-of-another-cluster"
GUESS = (
    "authenticate=true",
    "network.crypto.enabled=true",
    "network.crypto.cipher=AES/GCM/NoPadding",
    "network.crypto.authEngineVersion=2",
    "network.crypto.saslFallback=false",
    f"authenticate.secret={ANOTHER}",
)
Built = tuple[Slug, versions.Line]


def test_the_slug_is_small(built: Built) -> None:
    app, line = built
    families = report.members(app.folder, line)
    counted = [path for family in ("spark", "s3", "launchers", "app") for path in families[family]]
    size_mb, archive_mb = (compressed(app.folder, files) / 1e6 for files in (counted, families["archive"]))
    print(f"{size_mb:.1f} MB, and an archive of {archive_mb:.1f} MB")
    assert size_mb < GOAL_MB
    if line == versions.default():
        assert WEIGHS_MB / MAY_GROW < size_mb < WEIGHS_MB * MAY_GROW
        assert archive_mb < ARCHIVE_WEIGHS_MB * MAY_GROW


def test_the_table_is_right(built: Built) -> None:
    """What is in the jars, and not what they are called."""
    app, line = built
    site = next((app.folder / ".heroku/python/lib").glob("python3.*/site-packages"))
    jars, maven = site / "pyspark" / "jars", "META-INF/maven/org.apache.hadoop"
    found = {
        "hadoop": stated(jars, "hadoop-client-api-*.jar", "common-version-info.properties", "version"),
        "hadoop-aws": stated(jars, "hadoop-aws-*.jar", f"{maven}/hadoop-aws/pom.properties", "version"),
        "scala": stated(jars, "scala-library-*.jar", "library.properties", "version.number").rpartition(".")[0],
        "spark": stated(jars, f"spark-core_{line.scala}-*.jar", "META-INF/MANIFEST.MF", "Implementation-Version"),
    }
    assert found == {"hadoop": line.hadoop, "hadoop-aws": line.hadoop, "scala": line.scala, "spark": line.version}
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


@pytest.fixture(scope="module")
def counted(box: Box) -> subprocess.CompletedProcess[str]:
    """The job that counts words, when it has ended."""
    return box("run", "bin/spark-submit", "jobs/count.py")


def test_it_counts_words_in_s3(counted: subprocess.CompletedProcess[str]) -> None:
    done = counted
    assert "counted [('a', 3), ('esor', 3), ('si', 2)]" in done.stdout, done.stderr
    python = "/app/.heroku/python/bin/python3"
    assert f"python {python} {python}" in done.stdout
    assert complaints(done.stderr.splitlines()) == []


def test_every_process_type_boots(box: Box) -> None:
    until(lambda: any("app[history.1]" in line and "HistoryServer" in line for line in box.log()))
    states = {name: dyno["state"] for name, dyno in box.dynos().items() if not name.startswith("run.")}
    assert states == dict.fromkeys(("web.1", "master.1", "worker.1", "worker.2", "history.1", "s3.1"), "up")


def test_finished_applications_can_be_read(box: Box, counted: object) -> None:
    """From the bucket."""
    page = "http://1.history.sparkspace.app.localspace:18080/api/v1/applications"
    until(lambda: '"name" : "words"' in box.out("run", f"curl -s {page}"), timeout_s=120)


def test_nothing_of_this_machine_is_there(box: Box) -> None:
    """Programs and what is below the root; run:inside too, which has to be lent a Python."""
    looked = f"ls -d {ROOT} /root /home /opt /usr/local/* 2>/dev/null; command -v python3 java"
    expected = ["/app/.heroku/python/bin/python3", "/app/.jdk/bin/java"]
    assert box.out("run", looked).split() == expected
    assert box.out("run", "PATH=/usr/bin:/bin java -version 2>/dev/null || echo none").strip() == "none"
    assert box.out("run:inside", "worker.1", looked).split() == expected


def test_jvms_use_the_archive(box: Box) -> None:
    """A JVM maps an archive when it starts, and lets it go if it does not fit."""
    box("run", "--detach", "bin/spark-submit", "jobs/sleep.py")
    until(lambda: {"CoarseGrainedExecutorBackend", "Worker"} <= mapping(box, "worker.1"), timeout_s=120)
    assert mapping(box, "master.1") == {"Master"}
    driver = next(name for name in box.dynos() if name.startswith("run."))
    assert mapping(box, driver) == {"SparkSubmit"}
    box("stop", driver)


def mapping(box: Box, dyno: str) -> set[str]:
    """The main classes of a dyno's processes that have an archive mapped."""
    looked = (
        "for each in $(grep -l 'archives/[a-z]*.jsa' /proc/[0-9]*/maps 2>/dev/null);"
        " do tr '\\0' '\\n' <${each%/maps}/cmdline; done"
    )
    return set(re.findall(r"^org\.apache\.spark\.[\w.]*\.(\w+)$", box.out("run:inside", dyno, looked), re.MULTILINE))


def test_master_keeps_its_state_in_the_bucket(box: Box) -> None:
    """By the client of S3 that its Spark has, with the jars that a daemon has."""
    assert Store(box).keys("spark-recovery/")


def test_no_port_for_rest(box: Box) -> None:
    """From Spark 4.1 on that server is on by default, and no secret closes it."""
    tables = box.out("run:inside", "master.1", "cat /proc/net/tcp /proc/net/tcp6")
    ports = {int(row.split()[1].rpartition(":")[2], 16) for row in tables.splitlines() if " 0A " in row}
    assert {7077, 8080} <= ports
    assert 6066 not in ports


@pytest.fixture(scope="module")
def strangers(box: Box) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """Two that try to get in, while other tests run."""
    guess = " ".join(f"--conf spark.{each}" for each in GUESS)
    with ThreadPoolExecutor() as pool:
        yield {
            name: pool.submit(box, "run", f"sh jobs/stranger.sh {flags}", code=1, traceback=True)
            for name, flags in {"bare": "", "guess": guess}.items()
        }


@pytest.mark.versions
def test_scala_shell_and_the_bucket(built: Built, box: Box, strangers: object) -> None:
    app, line = built
    done = box("run", "bin/spark-shell", stdin=SHELL)
    found = dict(re.findall(r"^found (\S+) (.*)$", done.stdout.replace("\r", ""), re.MULTILINE))
    assert found.get("sum") == "50005000", done.stdout + done.stderr
    assert found["third"] == str(sum(range(2, 1000, 3)))
    assert re.fullmatch(rf"{re.escape(line.version)} scala {re.escape(line.scala)}\.\d+", found["spark"])
    assert int(found["java"].split(".")[0]) == launch.java_version(app.folder / ".jdk")
    assert json.loads(Store(box).ask("GET", "y/_SUCCESS")[1])["committer"] == "magic"
    assert complaints(done.stderr.splitlines()) == []


@pytest.mark.versions
def test_another_secret_is_refused(box: Box) -> None:
    done = box("run", f"SPARKSPACE_SECRET={ANOTHER} bin/spark-submit jobs/count.py", code=78)
    assert (
        "SPARKSPACE_SECRET must be the same as that of the master at 1.master.sparkspace" in done.stdout + done.stderr
    )


@pytest.mark.versions
@pytest.mark.parametrize("name", ["bare", "guess"])
def test_strangers_do_not_get_in(strangers: dict[str, Future[subprocess.CompletedProcess[str]]], name: str) -> None:
    done = strangers[name].result(300)
    assert "All masters are unresponsive" in done.stdout + done.stderr and "GOT IN" not in done.stdout


def test_daemons_complain_of_nothing(box: Box) -> None:
    said = [line for line in box.log() if re.search(r"app\[(master|worker|history)\.", line)]
    assert any("INFO" in line for line in said)
    assert complaints(said) == []


def complaints(log: list[str]) -> list[str]:
    """What Spark says of conf that it does not know, or not any more, and Java of an archive that does not fit."""
    words = r"WARN SparkConf|(?:WARN|ERROR) .*(?:deprecated|[Uu]nrecognized)|Ignoring non-Spark|bad option|\]\[cds"
    return [text for text in log if re.search(words, text)]


def test_it_knows_where_the_master_is(built: Built) -> None:
    """Where it was built, too. The last test: Python keeps what it compiles, and none of that is in a slug."""
    assert built[0].boot("bin/master-url").stdout == "spark://1.master.myapp.app.localspace:7077\n"
