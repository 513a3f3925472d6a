"""The table of versions, and what apps may write into .spark.version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from buildpack import lock, versions
from buildpack.errors import BuildError

NEWEST = versions.versions()[-1]


def refusal(text: str) -> str:
    with pytest.raises(BuildError) as caught:
        versions.resolve(text)
    assert (caught.value.exit_code, caught.value.reason) == (74, "build")
    return "\n".join(caught.value.lines())


def test_table_has_one_version_of_each_minor() -> None:
    minors = [version.rpartition(".")[0] for version in versions.versions()]
    assert minors == ["3.5", "4.0", "4.1", "4.2", "4.3"]
    assert versions.default().version == NEWEST


@pytest.mark.parametrize("version", versions.versions())
def test_line_is_well_formed(version: str) -> None:
    line = versions.resolve(version)
    assert line.version == version
    assert line.spark.id == f"pyspark=={version}" and line.spark.file == f"pyspark-{version}.tar.gz"
    assert line.scala == ("2.12" if version.startswith("3.") else "2.13")
    assert 17 in line.java and line.java == tuple(sorted(line.java))
    oldest, newest = ([int(part) for part in each.split(".")] for each in line.python)
    assert [3, 8] <= oldest <= newest <= [3, 14]


@pytest.mark.parametrize("version", versions.versions())
def test_artifacts_are_well_formed_and_told_apart(version: str) -> None:
    line = versions.resolve(version)
    artifacts = [versions.setuptools(), line.spark, *line.jars]
    for each in artifacts:
        assert re.fullmatch(r"[0-9a-f]{64}", each.sha256)
        assert 1000 < each.bytes < 500_000_000
        assert re.fullmatch(r"[\w.-]+\.(jar|tar\.gz|whl)", each.file)
    for distinct in ("id", "file", "sha256"):
        assert len({getattr(each, distinct) for each in artifacts}) == len(artifacts)


@pytest.mark.parametrize("version", versions.versions())
def test_jars_are_those_that_s3_needs(version: str) -> None:
    line = versions.resolve(version)
    modules = {each.id.rpartition(":")[0]: each.id.rpartition(":")[2] for each in line.jars}
    assert modules["org.apache.hadoop:hadoop-aws"] == line.hadoop
    cloud = modules[f"org.apache.spark:spark-hadoop-cloud_{line.scala}"]
    assert cloud.split(".")[0] == version.split(".")[0]
    sdk = "com.amazonaws:aws-java-sdk-s3" if line.hadoop < "3.4" else "software.amazon.awssdk:s3"
    assert sdk in modules
    assert not any("bundle" in name for name in modules)
    assert sum(each.bytes for each in line.jars) < 30_000_000


def test_table_is_as_lock_writes_it() -> None:
    text = versions.TABLE.read_text(encoding="utf-8")
    assert lock.render(versions._table()) == text


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("4.1", "4.1"),
        ("4", "4.3"),
        ("3", "3.5"),
        ("v4.1", "4.1"),
        (" 4.0 ", "4.0"),
        ("4.2\r\n", "4.2"),
        ("3.5\n", "3.5"),
    ],
)
def test_alias_is_the_newest_that_begins_so(text: str, minor: str) -> None:
    assert versions.resolve(text).version.startswith(f"{minor}.")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("4.1.2", "4.1"),
        ("4.1.99", "4.1"),
        ("4.4", "4.3"),
        ("4.9", "4.3"),
        ("5", "4.3"),
        ("999.999.999", "4.3"),
        ("3.3", "3.5"),
        ("3.0.1", "3.5"),
        ("3.9", "3.5"),
        ("4.1.x", "4.1"),
        ("04.1", "4.1"),
        ("4.", "4.3"),
        ("latest", "4.3"),
        ("2.4.8", "4.3"),
        ("1.6", "4.3"),
        ("1.4.1", "4.3"),
        ("0.9", "4.3"),
    ],
)
def test_other_version_is_refused_with_the_nearest(text: str, nearest: str) -> None:
    said = refusal(text)
    assert f"There are {', '.join(versions.versions())}." in said
    assert re.search(rf"The nearest is {re.escape(nearest)}\.[0-9]+\. Write it into \.spark\.version: echo", said)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.6", "Spark 1.6, the last 1.x, is of 2016; it needs Java 8 and Python 2.7"),
        ("1", "Spark 1.6, the last 1.x, is of 2016"),
        ("2.4.8", "Scala 2.11 or 2.12"),
        ("3.3.2", "Spark 3.0 to 3.4 are no longer maintained."),
    ],
)
def test_version_of_the_past_is_told_why(text: str, reason: str) -> None:
    assert reason in refusal(text)


@pytest.mark.parametrize("text", ["3.5.1", "3.9", "4.4", "latest"])
def test_other_version_is_not_called_unmaintained(text: str) -> None:
    assert "no longer maintained" not in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "v",
        "vv4.1",
        "../../etc/passwd",
        "4.3.0; rm -rf /",
        "$(id)",
        "-4",
        "4.3.0 --index-url x",
        "4.3.0\x00",
        "٤.٣",
        "4.3.0.0",
        "4..3",
        "\x1b[31m4.3",
        "9" * 100_000,
        "4.3.0\n4.2.1",
    ],
)
def test_hostile_text_is_refused_in_few_words(text: str) -> None:
    said = refusal(text)
    assert len(said) < 600
    assert "\x1b" not in said and "\x00" not in said


def test_app_without_the_file_gets_the_default(tmp_path: Path) -> None:
    assert versions.requested(tmp_path) == versions.default()


@pytest.mark.parametrize("data", [b"4.1", b"4.1\n", b"4.1\r\n", b"\xef\xbb\xbf4.1\r\n", b"\n  4.1  \n\n"])
def test_file_may_come_from_any_editor(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".spark.version").write_bytes(data)
    assert versions.requested(tmp_path).version.startswith("4.1.")


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"4.1\n4.2\n", "must be one line"),
        (b"4.1\n# a comment\n", "must be one line"),
        (b" " * 5000 + b"4.1", "is empty"),
        (b"4" * 5000, "must be one line"),
        ("4.1\n".encode("utf-16"), "is not a text in UTF-8"),
        (b"4.1\xff", "is not a text in UTF-8"),
        (b"latest", "There is no Spark version 'latest'"),
    ],
)
def test_file_that_is_no_version_is_refused(tmp_path: Path, data: bytes, wrong: str) -> None:
    (tmp_path / ".spark.version").write_bytes(data)
    with pytest.raises(BuildError) as caught:
        versions.requested(tmp_path)
    assert wrong in caught.value.message
    assert f"> {versions.FILE}" in caught.value.cure and NEWEST in caught.value.cure


def test_file_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".spark.version").mkdir()
    with pytest.raises(BuildError, match="can't be read: Is a directory"):
        versions.requested(tmp_path)
