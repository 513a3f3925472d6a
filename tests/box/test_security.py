"""Strangers stay out, and secrets stay in, while a job runs on a real cluster."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from secrets import token_hex

import psutil
import pytest

from .conftest import Box, until

pytestmark = [pytest.mark.box, pytest.mark.spark]

# Made anew for each run: the dynos hold a copy of this very file, which must not be what the search finds.
KEYS = {
    "SPARK_S3_BUCKET_NAME": "a-bucket",
    "SPARK_S3_AWS_ACCESS_KEY_ID": f"AKIA{token_hex(8).upper()}",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY": f"{token_hex(10)}/+{token_hex(9)}",
    # The event log would go to the bucket, which is not there.
    "SPARKSPACE_EVENT_LOG_DIR": "file:/tmp/events",
    "DATABASE_URL": f"postgres://someone:{token_hex(8)}@db.example.com/data",
}
# Runs until it is told to end, so that everything can be searched meanwhile.
JOB = """\
import time, pathlib
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("searched").getOrCreate()
while not pathlib.Path("/tmp/enough").exists():
    spark.range(1000).selectExpr("sum(id)").collect()
    spark.sparkContext.parallelize(range(100), 4).map(lambda n: n + 1).sum()
    time.sleep(0.5)
"""


CRYPTO = " ".join(
    f"--conf spark.{key}"
    for key in (
        "authenticate=true",
        "network.crypto.enabled=true",
        "network.crypto.cipher=AES/GCM/NoPadding",
        "network.crypto.authEngineVersion=2",
        "network.crypto.saslFallback=false",
    )
)


@pytest.fixture(scope="module")
def secrets(cluster: Box) -> Iterator[dict[str, str]]:
    """The cluster with keys of S3 and of a database set, and a job running on it in a dyno named ``driver``."""
    configure(cluster, KEYS)
    config = cluster.api("GET", "config-vars").json()
    command = f"printf %s {shlex.quote(JOB)} > /tmp/job.py && bin/spark-submit /tmp/job.py"
    cluster("run", "--detach", command)
    until(lambda: "searched" in cluster.out("status"), timeout_s=120, every_s=1)
    until(lambda: len(executors()) >= 2, timeout_s=60, every_s=1)
    yield {
        "cluster": config["SPARKSPACE_SECRET"],
        "key id": config["SPARK_S3_AWS_ACCESS_KEY_ID"],
        "key": config["SPARK_S3_AWS_SECRET_ACCESS_KEY"],
        "pages": config["SPACE_PROXY_BASIC_AUTH"].partition("}")[2],
        "password": config["DATABASE_URL"].partition("@")[0].rpartition(":")[2],
    }
    driver = next(name for name in cluster.dynos() if name.startswith("run."))
    cluster("run:inside", driver, "touch /tmp/enough")
    until(lambda: "searched" not in cluster.out("status"), timeout_s=60, every_s=1)
    configure(cluster, dict.fromkeys(KEYS))


def configure(cluster: Box, changes: Mapping[str, str | None]) -> None:
    """Change config vars, and wait until every dyno has them: before, it is the old workers that are registered."""
    cluster.api("PATCH", "config-vars", changes)
    latest = max(release["version"] for release in cluster.api("GET", "releases").json())
    until(lambda: {dyno["release"]["version"] for dyno in cluster.dynos().values()} == {latest}, timeout_s=120)
    cluster("wait", "--workers", "2", "--timeout", "180")


def executors() -> list[psutil.Process]:
    """All executor JVMs of this machine."""
    return [
        p
        for p in psutil.process_iter(["cmdline"])
        if "CoarseGrainedExecutorBackend" in " ".join(p.info["cmdline"] or [])
    ]


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that ``text`` has."""
    return [name for name, value in secrets.items() if value in text]


def test_search_would_find_a_secret(secrets: dict[str, str]) -> None:
    assert found_in(f"x{secrets['key']}y", secrets) == ["key"]


def test_no_secret_in_an_argument_list(secrets: dict[str, str]) -> None:
    lists = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert len(executors()) >= 2
    assert any("org.apache.spark.deploy.SparkSubmit" in line for line in lists)
    assert [line for line in lists if found_in(line, secrets)] == []


def test_no_secret_in_a_file_of_a_dyno_or_of_the_box(cluster: Box, secrets: dict[str, str]) -> None:
    seen = 0
    for path in [*Path(cluster.record["folder"]).rglob("*"), *(cluster.folder / ".sparkspace").rglob("*")]:
        if path.is_file() and not path.is_symlink():
            try:
                text = path.read_bytes().decode("latin-1")
            except FileNotFoundError:
                continue  # the job's own, gone meanwhile
            seen += 1
            assert found_in(text, secrets) == [], path
    assert seen > 100
    events = "cat /tmp/events/*/* /tmp/events/* 2>/dev/null | wc -c"
    driver = next(name for name in cluster.dynos() if name.startswith("run."))
    assert int(cluster.out("run:inside", driver, events)) > 1000, "there is no event log, so its search shows nothing"


def test_conf_files_are_for_their_owner_alone(cluster: Box, secrets: dict[str, str]) -> None:
    listed = cluster.out("run:inside", "worker.1", "find /tmp/sparkspace-conf-* -printf '%m %y\\n' | sort -u").split(
        "\n"
    )
    assert set(filter(None, listed)) == {"700 d", "600 f"}


def test_no_secret_in_the_log(cluster: Box, secrets: dict[str, str]) -> None:
    assert len(cluster.log()) > 100
    assert [line for line in cluster.log() if found_in(line, secrets)] == []


def test_no_secret_in_any_page_of_spark(cluster: Box, secrets: dict[str, str]) -> None:
    driver = next(name for name in cluster.dynos() if name.startswith("run."))
    name = f"{driver.partition('.')[2]}.run.sparkspace.app.localspace"
    app_id = json.loads(cluster.out("status", "--json"))["applications"][0]["id"]
    master = ("/", "/json/", "/environment/", f"/app/?appId={app_id}")
    pages = [
        *(f"http://1.master.sparkspace.app.localspace:8080{path}" for path in master),
        *(f"http://1.worker.sparkspace.app.localspace:8081{path}" for path in ("/", "/json/", "/metrics/json/")),
        *(f"http://{name}:4040{path}" for path in ("/environment/", "/executors/", "/jobs/", "/SQL/")),
        *(f"http://{name}:4040/api/v1/applications/{app_id}/{path}" for path in ("environment", "allexecutors")),
    ]  # fmt: skip
    for page in pages:
        text = cluster.out("run", f"curl -sS --fail --location '{page}'")
        assert len(text) > 100, page
        assert found_in(text, secrets) == [], page
    environment = cluster.out("run", f"curl -sS http://{name}:4040/api/v1/applications/{app_id}/environment")
    properties = dict(json.loads(environment)["sparkProperties"])
    assert properties["spark.authenticate"] == "true"
    assert secrets["cluster"] not in properties.values()


def test_no_port_takes_a_rest_submission(cluster: Box, secrets: dict[str, str]) -> None:
    """Every port that listens in the master's and the worker's dyno is asked, wherever it may be."""
    body = json.dumps(
        {
            "action": "CreateSubmissionRequest", "clientSparkVersion": "4.3.0", "appArgs": ["--version"],
            "appResource": "", "mainClass": "org.apache.spark.deploy.SparkSubmit", "environmentVariables": {},
            "sparkProperties": {"spark.app.name": "stranger", "spark.master": "spark://1.master:7077"},
        }
    )  # fmt: skip
    asked = 0
    for dyno in ("master.1", "worker.1"):
        listening = cluster.out("run:inside", dyno, "cat /proc/net/tcp /proc/net/tcp6")
        ports = {int(line.split()[1].rpartition(":")[2], 16) for line in listening.splitlines() if " 0A " in line}
        assert ({7077, 8080} if dyno == "master.1" else {8081}) <= ports
        assert 6066 not in ports
        kind, _, number = dyno.partition(".")
        for port in ports:
            url = f"http://{number}.{kind}.sparkspace.app.localspace:{port}/v1/submissions/create"
            curl = f"curl -s -m 10 -X POST -H 'Content-Type: application/json' -d @- {url}"
            answer = cluster("run", curl, stdin=body, code=None).stdout
            asked += 1
            assert "CreateSubmissionResponse" not in answer and "submissionId" not in answer
    assert asked >= 4


def test_stock_spark_submit_is_refused(cluster: Box, secrets: dict[str, str]) -> None:
    """Spark's own spark-submit, without our launcher: with no authentication, then with all of ours but the secret.

    Each gives up after a minute, so both try at once.
    """
    with ThreadPoolExecutor() as both:
        for done in both.map(partial(submitted_by_a_stranger, cluster), ("", "another-secret")):
            assert "GOT IN" not in done.stdout
            assert "All masters are unresponsive" in done.stderr


def submitted_by_a_stranger(cluster: Box, guess: str) -> subprocess.CompletedProcess[str]:
    home = cluster.out("run", "python3 -c 'import pyspark; print(*pyspark.__path__)'").strip()
    conf = f"{CRYPTO} --conf spark.authenticate.secret={guess}" if guess else ""
    job = "from pyspark.sql import SparkSession as S; print('GOT', 'IN', S.builder.getOrCreate().range(9).count())"
    submit = (
        "cat > /tmp/stranger.py; url=$(bin/master-url); unset SPARKSPACE_SECRET; "
        "export SPARK_LOCAL_IP=$HEROKU_PRIVATE_IP; "
        f"exec {home}/bin/spark-submit --master $url {conf} /tmp/stranger.py"
    )
    return cluster("run", submit, stdin=job, code=1, timeout=200, traceback=True)


def test_handshake_is_understood_by_the_master(cluster: Box, secrets: dict[str, str]) -> None:
    """That our check of the secret says no proves little, unless the master says yes to the right one."""
    ask = (
        "import sys, os, socket; sys.path.insert(0, os.environ['HOME'])\n"
        "from sparkspace.cluster import handshake as h\n"
        "for secret in (os.environ['SPARKSPACE_SECRET'], 'x' * 64):\n"
        "    c = socket.create_connection(('1.master.sparkspace.app.localspace', 7077), 10)\n"
        "    c.sendall(h.request(h.challenge(secret))); print(h.answer(c)[0])\n"
    )
    assert cluster.out("run", "python3 -", stdin=ask).split() == ["4", "5"]  # RpcResponse, RpcFailure
