"""Class-data archives: used when they fit, and otherwise not, without a word on stdout."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pyspark
import pytest

from buildpack import archives
from sparkspace import archive, launch
from sparkspace.archive import ARCHIVE, CLASS_PATH, FOLDER, MANIFEST, NONE

JAVA = 'JAVA_VERSION="17.0.15"\n'


def spark(folder: Path, jars: int = 3) -> Path:
    """A SPARK_HOME whose jars are empty, with an archive that is one in name alone."""
    home = folder / "spark"
    (home / "jars").mkdir(parents=True)
    for number in range(jars):
        with zipfile.ZipFile(home / "jars" / f"a-jar-with-a-name-of-some-length-{number:03}.jar", "w") as jar:
            jar.writestr(f"in-{number}.txt", "x")
    (home / FOLDER).mkdir()
    archives.write_class_path(home)
    (home / FOLDER / ARCHIVE).write_bytes(b"x" * 100)
    (home / FOLDER / MANIFEST).write_text(json.dumps(archive.describe(home / FOLDER, java(folder))))
    return home


def java(folder: Path, text: str = JAVA) -> Path:
    (folder / "java").mkdir(exist_ok=True)
    (folder / "java" / "release").write_text(text)
    return folder / "java"


def test_an_archive_that_fits_is_used(tmp_path: Path) -> None:
    home = spark(tmp_path)
    found = archive.find(home, java(tmp_path))
    assert found.class_path == f"{home}/archives/classes.jar"
    assert f"-XX:SharedArchiveFile={home}/archives/spark.jsa" in found.options.split()


def test_java_25_has_another_kind(tmp_path: Path) -> None:
    home = spark(tmp_path)
    newer = java(tmp_path, JAVA.replace("17.0.15", "25.0.1"))
    (home / FOLDER / MANIFEST).write_text(json.dumps(archive.describe(home / FOLDER, newer)))
    assert f"-XX:AOTCache={home}/archives/spark.jsa" in archive.find(home, newer).options.split()


def test_a_spark_without_one_is_not_worth_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert archive.find(tmp_path, java(tmp_path)) == NONE
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda home, folder: (home / FOLDER / ARCHIVE).write_bytes(b"x" * 99),
        lambda home, folder: (home / FOLDER / ARCHIVE).write_bytes(b""),
        lambda home, folder: (home / FOLDER / MANIFEST).write_text("{"),
        lambda home, folder: java(folder, JAVA.replace("15", "16")),
    ],
    ids=["cut", "empty", "no-json", "another-java"],
)
def test_one_that_does_not_fit_is_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage) -> None:  # noqa: ANN001
    """Java 17 dies of a SIGBUS of an archive that was cut."""
    home = spark(tmp_path)
    damage(home, tmp_path)
    assert archive.find(home, tmp_path / "java") == NONE
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "archive-ignored" in said.err


def test_one_that_is_gone_is_ignored(tmp_path: Path) -> None:
    home = spark(tmp_path)
    (home / FOLDER / ARCHIVE).unlink()
    assert archive.find(home, tmp_path / "java") == NONE


def test_the_class_path_has_all_jars_in_order(tmp_path: Path) -> None:
    """The lines of a manifest have at most 72 bytes: docs.oracle.com/en/java/javase/17/docs/specs/jar/jar.html."""
    home = spark(tmp_path, jars=300)
    with zipfile.ZipFile(home / FOLDER / CLASS_PATH) as jar:
        text = jar.read("META-INF/MANIFEST.MF")
    assert max(map(len, text.split(b"\r\n"))) <= 72
    names = text.replace(b"\r\n ", b"").decode().split("Class-Path: ")[1].split()
    assert names == [f"../jars/{path.name}" for path in sorted((home / "jars").iterdir())]


def test_places_in_app_are_made_and_go_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RUNS_AT", tmp_path / "app")
    for name in archives.LINKS:
        (tmp_path / "build" / name).mkdir(parents=True)
    with archives.at_its_place(tmp_path / "build") as root:
        assert (root / ".jdk").samefile(tmp_path / "build" / ".jdk")
    assert not (tmp_path / "app").exists()


def test_what_somebody_else_has_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RUNS_AT", tmp_path / "app")
    (tmp_path / "app" / ".jdk").mkdir(parents=True)
    for name in archives.LINKS:
        (tmp_path / "build" / name).mkdir(parents=True)
    with pytest.raises(OSError, match="is another app's"), archives.at_its_place(tmp_path / "build"):
        pass
    assert [path.name for path in (tmp_path / "app").iterdir()] == [".jdk"]


def submitting(home: Path, script: str) -> None:
    """A Spark whose spark-submit is this script, and no archive."""
    shutil.rmtree(home / FOLDER)
    (home / "bin").mkdir()
    (home / "bin" / "spark-submit").write_text(f"#!/bin/sh\n{script}\n")
    (home / "bin" / "spark-submit").chmod(0o755)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'WARN x: y' >&2; echo 'java.lang.Error: no room: 1' >&2; echo INFO >&2; exit 3",
         "the run ended with 3: java.lang.Error: no room: 1."),
        ("exit 4", "the run ended with 4: no word."),
        ("exit 0", "No such file or directory"),
    ],
    ids=["says-why", "silent", "makes-nothing"],
)  # fmt: skip
def test_a_run_that_fails_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str, said: str
) -> None:
    home = spark(tmp_path)
    submitting(home, script)
    monkeypatch.setattr("sys.argv", ["archives", str(home), str(java(tmp_path))])
    archives.main()
    told = capsys.readouterr().err
    assert "There is no class-data archive: " in told and said in told and "Traceback" not in told
    assert not (home / FOLDER).exists()


def test_python_finds_its_library(tmp_path: Path) -> None:
    """heroku/python's is built for another place, and its own bin/compile sets the variable too."""
    home = spark(tmp_path)
    submitting(home, f'[ "${{LD_LIBRARY_PATH%%:*}}" = "{tmp_path}/python/lib" ] && echo x >{home}/{FOLDER}/{ARCHIVE}')
    archives.make(home, java(tmp_path), tmp_path / "python" / "bin" / "python3")
    assert archive.find(home, java(tmp_path)) != NONE


@pytest.mark.spark
@pytest.mark.parametrize("before", ["/tmp:", ""], ids=["another-class-path", "another-archive"])
def test_java_goes_on_without_an_archive_that_does_not_fit(before: str, tmp_path: Path) -> None:
    """It says so, but not where a command's results are."""
    home, java_home = Path(pyspark.__file__).parent, launch.java_home({"PATH": "/usr/bin:/bin"})
    found = archive.find(home, java_home)
    assert found != NONE, "scripts/setup makes one"
    options = found.options
    if not before:  # one of the right size, with other contents
        (tmp_path / ARCHIVE).write_bytes(bytes((home / FOLDER / ARCHIVE).stat().st_size))
        options = options.replace(str(home / FOLDER / ARCHIVE), str(tmp_path / ARCHIVE))
    command = [
        java_home / "bin" / "java",
        *options.split(),
        "-cp",
        before + found.class_path,
        archives.MASTER,
        "--help",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "Usage: Master [options]" in done.stderr and done.stdout == ""
