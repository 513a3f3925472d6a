"""S3 as the README of spark-in-space has it; besides, Parquet, commits, wrong keys, and where the keys are not."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ..box.conftest import Box, until
from .artifacts import KEY, SECRET
from .conftest import Store, shell

pytestmark = [pytest.mark.box, pytest.mark.spark]

FAILS_WITHIN_S = 15
WRITER = Path(__file__).with_name("writer.scala")  # what the first shell does
READER = """\
sc.objectFile[Int]("s3a://the-bucket/x").reduce(_ + _)
spark.read.parquet("s3n://the-bucket/s3").where("third = 2").selectExpr("sum(id)").first.getLong(0)
spark.read.parquet("s3a://the-bucket/twice").count
"""


class Session:
    """What a shell found, name → what."""

    def __init__(self, done: CompletedProcess[str]) -> None:
        self.done = done
        self.found = dict(re.findall(r"^found (\S+) (.*)$", done.stdout.replace("\r", ""), re.MULTILINE))

    def failed(self, name: str) -> tuple[float, str]:
        """After how many seconds, and with which words."""
        seconds, _, said = self.found[name].partition(" ")
        return float(seconds), said


@pytest.fixture(scope="module")
def writer(bucket: Box) -> Iterator[Session]:
    """The first shell, when it has ended."""
    yield Session(shell(bucket, WRITER.read_text(), timeout=240, traceback=True))


@pytest.fixture(scope="module")
def reader(bucket: Box, writer: Session) -> CompletedProcess[str]:
    """A new shell."""
    return shell(bucket, READER)


def test_the_readme_of_old(reader: CompletedProcess[str]) -> None:
    assert re.search(r"res0: Int = 50005000\b", reader.stdout), reader.stdout + reader.stderr[-3000:]


def test_schemes_are_one_client(reader: CompletedProcess[str], store: Store) -> None:
    assert f"res1: Long = {sum(range(2, 1000, 3))}" in reader.stdout
    for scheme in ("s3", "s3n"):
        folders = {key.split("/")[0] for key in store.keys(f"{scheme}/") if key}  # the first is the folder itself
        assert folders == {"_SUCCESS", "third=0", "third=1", "third=2"}


def test_overwrite_leaves_the_last_alone(reader: CompletedProcess[str]) -> None:
    assert "res2: Long = 1000" in reader.stdout


def test_parquet_is_committed_without_renaming(writer: Session, store: Store) -> None:
    status, marker = store.ask("GET", "s3n/_SUCCESS")
    assert (status, json.loads(marker)["committer"]) == (200, "magic")
    assert store.unfinished("") == []


def test_task_killed_in_its_commit(writer: Session, store: Store) -> None:
    assert writer.found["killed"] == "[1000,500500,1]"
    assert writer.found["renamed"] == "(1000,500500,1)"
    assert [key for key in store.keys("killed/") if not re.fullmatch(r"_SUCCESS|part-\S+\.parquet|", key)] == []
    assert [key for key in store.keys("renamed/") if not re.fullmatch(r"_SUCCESS|part-\d+|", key)] == []


def test_dynamic_partitions(writer: Session) -> None:
    seconds, said = writer.failed("dynamic")
    assert "dynamicPartitionOverwrite" in said
    assert writer.failed("dynamic-by-renaming")[1] == "no error"
    assert writer.found["dynamic-counts"] == "[0,334][1,7][2,333]"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-bucket", "does not exist|UnknownStoreException"),
        ("no-bucket-write", "does not exist|UnknownStoreException"),
        ("wrong-key", "AccessDeniedException.*(403|InvalidAccessKeyId)"),
        ("refused", "[Cc]onnect"),
        ("nowhere", "UnknownHost"),
    ],
)
def test_errors_are_clear_and_soon(writer: Session, name: str, words: str) -> None:
    seconds, said = writer.failed(name)
    assert re.search(words, said)
    assert seconds < FAILS_WITHIN_S


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("SPARK_S3_AWS_ACCESS_KEY_ID=AKIA-another", "SPARK_S3_AWS_ACCESS_KEY_ID is not known at"),
        ("SPARK_S3_AWS_SECRET_ACCESS_KEY=another", "must be the other half of SPARK_S3_AWS_ACCESS_KEY_ID"),
        ("SPARK_S3_BUCKET_NAME=no-such-bucket", "has none of this name, but it is 'no-such-bucket'"),
    ],
)
def test_launcher_refuses_before_a_jvm_starts(bucket: Box, wrong: str, message: str) -> None:
    start = time.monotonic()
    done = bucket("run", f"{wrong} bin/spark-shell", code=78)
    assert message in done.stderr + done.stdout
    assert time.monotonic() - start < FAILS_WITHIN_S


def test_keys_are_in_the_environment_alone(bucket: Box, writer: Session, store: Store) -> None:
    assert (writer.found["leaks-driver"], writer.found["leaks-executor"]) == ("", "")
    assert writer.found["page"] == "true false"
    shown = writer.done.stdout + writer.done.stderr + "\n".join(bucket.log())
    logs = [key for key in store.keys("") if key.startswith("spark-events/") and "events_" in key]
    assert logs
    events = "".join(store.ask("GET", key)[1] for key in logs if writer.found["application"] in key)
    assert "SparkListenerEnvironmentUpdate" in events
    assert [secret for secret in (KEY, SECRET) if secret in events or secret in shown] == []


def test_finished_applications_are_read_from_the_bucket(bucket: Box, writer: Session) -> None:
    bucket("scale", "history=1")
    name = "http://1.history.sparkspace.app.localspace:18080/api/v1/applications"
    until(lambda: writer.found["application"] in bucket.out("run", f"curl -s {name}"), timeout_s=90, every_s=2)
    bucket("scale", "history=0")
