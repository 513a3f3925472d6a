"""Class-data archives: used when they fit, and otherwise not, without a word on stdout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyspark
import pytest

from buildpack import archives
from sparkspace import archive, launch, sizing
from sparkspace.archive import ARCHIVES, CLASS_PATHS, FOLDER, JARS, LAUNCHER, MANIFEST, NONE, Kind
from sparkspace.cluster import roles
from sparkspace.config import Dyno, Settings
from sparkspace.sizing import Executor

from .launchers import FACTS, SECRET, fake_spark

JAVA = 'JAVA_VERSION="17.0.15"\n'
ARCHIVE = ARCHIVES["application"]
GIVEN = (
    f"-Xmx1g --add-opens=some {archives.MASTER}"  # what the launcher of a Java that is none puts after the class path
)


def spark(folder: Path, jars: int = 3) -> Path:
    """A SPARK_HOME whose jars are empty, with an archive that is one in name alone."""
    home = folder / "spark"
    (home / "jars").mkdir(parents=True)
    for number in range(jars):
        with zipfile.ZipFile(home / "jars" / f"a-jar-with-a-name-of-some-length-{number:03}.jar", "w") as jar:
            jar.writestr(f"in-{number}.txt", "x")
    (home / FOLDER).mkdir()
    for kind in CLASS_PATHS:
        archives.write_class_path(home, kind)
    for name in ARCHIVES.values():
        (home / FOLDER / name).write_bytes(b"x" * 100)
    told = archive.describe(home / FOLDER, java(folder))
    known = sorted(path.name for path in (home / "jars").iterdir())
    (home / FOLDER / MANIFEST).write_text(json.dumps({**told, LAUNCHER: ["--add-opens=some"], JARS: known}))
    return home


def java(folder: Path, text: str = JAVA) -> Path:
    (folder / "java").mkdir(exist_ok=True)
    (folder / "java" / "release").write_text(text)
    return folder / "java"


def dyno_of(home: Path, **env: str) -> roles.Place:
    """A dyno that has this Spark and its Java."""
    env = {**FACTS, "SPARKSPACE_SECRET": SECRET, "SPARK_HOME": str(home), "JAVA_HOME": str(home.parent / "java"), **env}
    return roles.Place(env, Dyno.from_env(env), Settings.from_env(env), sizing.Capacity(2560, 2))


def test_a_class_path_of_ones_own_is_first(tmp_path: Path) -> None:
    """A driver's or an executor's replaces ours, for it may have to hide classes of Spark's. A daemon's comes after."""
    home = fake_spark(tmp_path / "fake")
    shutil.copytree(spark(tmp_path) / FOLDER, home / FOLDER)
    (java(tmp_path) / "bin").mkdir()
    (tmp_path / "java" / "bin" / "java").touch(0o755)
    ours = f"{home}/{FOLDER}/{CLASS_PATHS['application']}"
    own = "spark.driver.extraClassPath=/app/a.jar;spark.executor.extraClassPath=/app/b.jar"
    place = dyno_of(home, SPARKSPACE_CONF=own, SPARK_DAEMON_CLASSPATH="/app/c.jar")
    said = roles.driver_conf(place, Executor(1024))["spark-defaults.conf"].splitlines()
    for role, jar in {"driver": "a.jar", "executor": "b.jar"}.items():
        values = [line.partition("=")[2] for line in said if line.startswith(f"spark.{role}.extraClassPath=")]
        assert values == [ours, f"/app/{jar}"]  # the later one wins
    a_daemons = f"{home}/{FOLDER}/{CLASS_PATHS['daemon']}"
    assert roles.master(place, []).env["SPARK_DAEMON_CLASSPATH"] == f"{a_daemons}:/app/c.jar"


def test_an_archive_that_fits_is_used(tmp_path: Path) -> None:
    home = spark(tmp_path)
    found = archive.find(home, java(tmp_path))
    assert found.class_path == f"{home}/archives/classes.jar"
    assert f"-XX:SharedArchiveFile={home}/archives/spark.jsa" in found.options.split()
    smaller = archive.find(home, java(tmp_path), "daemon")
    assert smaller.options == found.options.replace("spark.jsa", "daemons.jsa")
    assert smaller.class_path == f"{home}/archives/daemons.jar"
    assert smaller.launcher == found.launcher == ("--add-opens=some",)


def test_a_spark_without_one_is_not_worth_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert archive.find(tmp_path, java(tmp_path)) == NONE
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "damage",
    [
        lambda home, folder: (home / FOLDER / ARCHIVE).write_bytes(b"x" * 99),
        lambda home, folder: (home / FOLDER / ARCHIVES["daemon"]).write_bytes(b""),
        lambda home, folder: (home / FOLDER / MANIFEST).write_text("{"),
        lambda home, folder: (home / FOLDER / MANIFEST).write_text("[]"),
        lambda home, folder: java(folder, JAVA.replace("15", "16")),
    ],
    ids=["cut", "empty", "no-json", "no-object", "another-java"],
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


def named(home: Path, kind: Kind) -> list[str]:
    """The jars that a class path names."""
    with zipfile.ZipFile(home / FOLDER / CLASS_PATHS[kind]) as jar:
        text = jar.read("META-INF/MANIFEST.MF")
    assert max(map(len, text.split(b"\r\n"))) <= 72, "docs.oracle.com/en/java/javase/17/docs/specs/jar/jar.html"
    return text.replace(b"\r\n ", b"").decode().split("Class-Path: ")[1].split()


@pytest.mark.parametrize("kind", CLASS_PATHS)
def test_the_class_path_has_all_jars_in_order(tmp_path: Path, kind: Kind) -> None:
    home = spark(tmp_path, jars=300)
    assert named(home, kind) == [f"../jars/{path.name}" for path in sorted((home / "jars").iterdir())]


DAEMONS_NEED = (
    "avro-1.12.1.jar", "curator-framework-5.9.0.jar", "hadoop-aws-3.5.0.jar", "hadoop-client-api-3.5.0.jar",
    "ivy-2.5.3.jar", "jackson-databind-2.21.2.jar", "joda-time-2.12.5.jar", "json4s-core_2.13-4.0.7.jar",
    "log4j-core-2.25.4.jar", "metrics-core-4.2.37.jar", "mine.jar", "netty-all-4.2.9.jar", "rocksdbjni-10.4.2.jar",
    "scala-library-2.13.18.jar", "spark-core_2.13-4.3.0.jar", "spark-network-shuffle_2.13-4.3.0.jar",
    "xbean-asm9-shaded-4.30.jar", "zookeeper-3.9.5.jar",
)  # fmt: skip
DAEMONS_NEED_NOT = (
    "algebra_2.13-2.8.0.jar", "antlr4-runtime-4.13.1.jar", "breeze_2.13-2.1.0.jar", "commons-math3-3.6.1.jar",
    "derby-10.16.1.1.jar", "hive-exec-2.3.10-core.jar", "jline-3.30.4.jar", "scala-compiler-2.13.18.jar",
    "spark-sql-api_2.13-4.3.0.jar",
)  # fmt: skip


def test_a_daemon_opens_no_jar_of_sql_or_machine_learning(tmp_path: Path) -> None:
    home = spark(tmp_path, jars=0)
    for name in (*DAEMONS_NEED, *DAEMONS_NEED_NOT):
        (home / "jars" / name).touch()
    archives.write_class_path(home, "daemon")
    assert named(home, "daemon") == [f"../jars/{name}" for name in DAEMONS_NEED]


def test_a_daemon_finds_jars_that_came_later(tmp_path: Path) -> None:
    """A plug-in that somebody adds, and our own, which is compiled anew."""
    home = spark(tmp_path)
    for name in ("z.jar", roles.OUR_JAR, "read.me"):
        (home / "jars" / name).touch()
    assert archive.find(home, java(tmp_path), "daemon").rest == f"{home}/jars/{roles.OUR_JAR}:{home}/jars/z.jar"
    assert archive.find(home, java(tmp_path)).rest == "", "all are on an application's"


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


def submitting(home: Path, java_home: Path, script: str) -> None:
    """A Spark without an archive, and a Java that says that spark-submit becomes this script."""
    shutil.rmtree(home / FOLDER)
    (java_home / "bin").mkdir()
    (java_home / "submit").write_text(f"#!/bin/sh\n{script}\n")
    words = "".join(f"{word}\\0" for word in GIVEN.split())
    (java_home / "bin" / "java").write_text(
        f"#!/bin/sh\nprintf '\\0\\n{java_home}/submit\\0-cp\\0conf:jars\\0{words}'\n"
    )
    for program in ("submit", "bin/java"):
        (java_home / program).chmod(0o755)


def making(home: Path) -> str:
    """Lines of a script that makes what are archives in name alone."""
    return " && ".join(f"echo x >{home}/{FOLDER}/{name}" for name in ARCHIVES.values())


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
    submitting(home, java(tmp_path), script)
    monkeypatch.setattr("sys.argv", ["archives", str(home), str(tmp_path / "java")])
    archives.main()
    told = capsys.readouterr().err
    assert "There is no class-data archive: " in told and said in told and "Traceback" not in told
    assert not (home / FOLDER).exists()


def test_they_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again for another Java, a jar that was changed, and a Spark that was moved."""
    home, runs = spark(tmp_path), tmp_path / "runs"
    submitting(home, java(tmp_path), f"echo >>{runs}; {making(home)}")
    monkeypatch.setattr(archives, "verify", lambda *_: None)

    def made() -> int:
        archives.ensure(home, tmp_path / "java", tmp_path / "python" / "bin" / "python3")
        assert archive.find(home, tmp_path / "java") != NONE
        return len(runs.read_text().splitlines()) // len(ARCHIVES)

    assert [made(), made()] == [1, 1]
    java(tmp_path, JAVA.replace("15", "16"))
    assert [made(), made()] == [2, 2]
    os.utime(next((home / "jars").iterdir()), (1, 1))
    assert [made(), made()] == [3, 3]
    (home / FOLDER / archives.MADE).unlink()  # whoever made them was ended before it had looked at them
    assert [made(), made()] == [4, 4]
    moved = home.rename(tmp_path / "moved")
    submit = tmp_path / "java" / "submit"
    submit.write_text(submit.read_text().replace(str(home), str(moved)))
    home = moved
    assert [made(), made()] == [5, 5]


def test_two_at_once_make_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, runs = spark(tmp_path), tmp_path / "runs"
    submitting(home, java(tmp_path), f"echo >>{runs}; sleep 0.5; {making(home)}")
    monkeypatch.setattr(archives, "verify", lambda *_: None)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(archives.ensure, home, tmp_path / "java", tmp_path / "bin" / "python3") for _ in range(2)]
        assert [each.result() for each in both] == [None, None]
    assert len(runs.read_text().splitlines()) == len(ARCHIVES)


def test_python_finds_its_library(tmp_path: Path) -> None:
    """heroku/python's is built for another place, and its own bin/compile sets the variable too."""
    home = spark(tmp_path)
    script = f'[ "${{LD_LIBRARY_PATH%%:*}}" = "{tmp_path}/python/lib" ] && {making(home)}'
    submitting(home, java(tmp_path), script)
    archives.make(home, java(tmp_path), tmp_path / "python" / "bin" / "python3")
    assert archive.find(home, java(tmp_path)) != NONE


def test_nothing_but_the_jar_is_on_the_class_path(tmp_path: Path) -> None:
    """A folder of conf files that is gone is one that Java 25 misses, and then it does not use the archive."""
    home = spark(tmp_path)
    a_jar = "|".join(f'"-cp {home}/{FOLDER}/{name} {GIVEN}"' for name in CLASS_PATHS.values())
    submitting(home, java(tmp_path), f'case "$*" in {a_jar}) {making(home)};; *) exit 1;; esac')
    archives.make(home, java(tmp_path), tmp_path / "python" / "bin" / "python3")
    assert archive.find(home, java(tmp_path)) != NONE


def test_a_launcher_that_says_something_else(tmp_path: Path) -> None:
    home = spark(tmp_path)
    submitting(home, java(tmp_path), "")
    (tmp_path / "java" / "bin" / "java").write_text("#!/bin/sh\necho a word\n")
    with pytest.raises(OSError, match="prints no command but 'a word"):
        archives.make(home, tmp_path / "java", tmp_path / "python" / "bin" / "python3")
    assert not (home / FOLDER).exists()


@pytest.mark.spark
@pytest.mark.parametrize("before", ["/tmp:", ""], ids=["another-class-path", "another-archive"])
def test_java_goes_on_without_an_archive_that_does_not_fit(before: str, tmp_path: Path) -> None:
    """It says so, but not where a command's results are."""
    home, java_home = Path(pyspark.__file__).parent, launch.java_home({"PATH": "/usr/bin:/bin"})
    found = archive.find(home, java_home)
    assert found != NONE, "scripts/setup dev makes one"
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
