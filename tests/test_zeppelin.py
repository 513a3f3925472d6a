"""``sparkspace zeppelin configure`` against Zeppelin's REST contract, ``bin/zeppelin``, and what the build brings.

A real one, with paragraphs on a real cluster, is in tests/zeppelin/test_real.py.
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import http.server
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from buildpack import zeppelin as build
from buildpack.app import App
from buildpack.errors import BuildError
from sparkspace import conf
from sparkspace.errors import LaunchError
from sparkspace.zeppelin import server, setting, versions

from . import launchers
from .zeppelin.contract import SETTING, Recorded, interpreter, serving

VAR = "SPARKSPACE_DYNAMIC_ALLOCATION"


@pytest.fixture
def zeppelin() -> Iterator[Recorded]:
    with serving(Recorded()) as state:
        yield state


@pytest.fixture
def env(dyno: dict[str, str]) -> dict[str, str]:
    """A dyno whose Spark is one that Zeppelin 0.12.0 runs on."""
    jars = Path(dyno["SPARK_HOME"], "jars")
    jars.mkdir(exist_ok=True)
    for old in jars.glob("spark-core_*"):
        old.unlink()
    (jars / "spark-core_2.12-3.5.9.jar").touch()
    return dyno


def configure(url: str, env: Mapping[str, str], *args: str) -> launchers.Ended:
    return launchers.run("sparkspace", "zeppelin", "configure", "--url", url, *args, env=env)


# What is set


def test_the_interpreter_is_told_what_drivers_are(zeppelin: Recorded, env: dict[str, str]) -> None:
    ended = configure(zeppelin.url, {**env, VAR: "true", f"{VAR}_MAX_EXECUTORS": "7"})
    assert ended.code == 0, ended.stderr
    rendered = launchers.run("sparkspace", "conf", env={**env, VAR: "true", f"{VAR}_MAX_EXECUTORS": "7"}).stdout
    told = conf.properties(rendered[: rendered.index("# === log4j2")])
    found = zeppelin.spark()
    for name in told:
        if name.startswith(("spark.dynamicAllocation.", "spark.shuffle.", "spark.network.", "spark.authenticate")):
            assert found[name] == told[name], name
    assert found["spark.dynamicAllocation.enabled"] == "true"
    assert found["spark.dynamicAllocation.maxExecutors"] == "7"
    assert found["spark.shuffle.service.enabled"] == "true"
    assert found["spark.master"] == told["spark.master"] == "spark://1.master.myapp.app.localspace:7077"
    assert (found["spark.submit.deployMode"], found["spark.executor.instances"]) == ("client", "")
    assert found["SPARK_HOME"] == env["SPARK_HOME"]
    restart = f"PUT {SETTING}/restart/spark-id"
    assert zeppelin.asked[-3:] == [f"PUT {SETTING}/spark-id", restart, f"GET {SETTING}"]


def test_dynamic_allocation_is_on_whatever_others_have(zeppelin: Recorded, env: dict[str, str]) -> None:
    assert configure(zeppelin.url, env).code == 0
    assert zeppelin.spark()["spark.dynamicAllocation.enabled"] == "true"
    assert zeppelin.spark()["spark.dynamicAllocation.shuffleTracking.enabled"] == "true"


def test_of_another_kind_nothing_stays(zeppelin: Recorded, env: dict[str, str]) -> None:
    for kind in ("true", "tracking"):
        assert configure(zeppelin.url, {**env, VAR: kind}).code == 0
    assert not zeppelin.spark()["spark.shuffle.service.enabled"]
    assert zeppelin.spark()["spark.decommission.enabled"] == "true"


def test_the_rest_of_the_setting_stays(zeppelin: Recorded, env: dict[str, str]) -> None:
    theirs = interpreter(**{"spark.jars": "/theirs.jar", "zeppelin.spark.maxResult": 1000})
    zeppelin.settings[1] = copy.deepcopy(theirs)
    others = copy.deepcopy(zeppelin.settings[0])
    assert configure(zeppelin.url, env).code == 0
    found = zeppelin.settings[1]
    for name in ("spark.jars", "zeppelin.spark.maxResult", "zeppelin.spark.concurrentSQL", "spark.driver.memory"):
        assert found["properties"][name] == theirs["properties"][name]
    assert found["properties"]["spark.master"]["description"] == "About spark.master."
    assert (found["dependencies"], found["option"]) == (theirs["dependencies"], theirs["option"])
    assert zeppelin.settings[0] == others


def test_what_is_true_of_one_dyno_alone_is_not_sent(zeppelin: Recorded, env: dict[str, str]) -> None:
    Path(env["SPARK_HOME"], "jars", "sparkspace-jvm.jar").touch()
    assert configure(zeppelin.url, {**env, "SPARKSPACE_MASTER_WAIT_S": "1"}).code == 0
    assert set(setting.OF_A_DYNO) & zeppelin.spark().keys() == set()
    assert configure(zeppelin.url, {**env, "SPARK_DRIVER_MEMORY": "512m"}).code == 0
    assert zeppelin.spark()["spark.driver.memory"] == "512m"


def test_where_spark_is(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.settings[1] = interpreter(SPARK_HOME="/opt/spark")
    assert configure(zeppelin.url, env).code == 0
    assert zeppelin.spark()["SPARK_HOME"] == "/opt/spark"  # another machine's
    assert configure(zeppelin.url, env, "--spark-home", "/opt/spark-3.5").code == 0
    assert zeppelin.spark()["SPARK_HOME"] == "/opt/spark-3.5"


def test_the_executors_python(zeppelin: Recorded, env: dict[str, str]) -> None:
    """The path of this dyno's is none of another dyno's in a box."""
    assert configure(zeppelin.url, env).code == 0
    assert zeppelin.spark()["PYSPARK_PYTHON"] == "python"
    assert configure(zeppelin.url, {**env, "PYSPARK_PYTHON": "/usr/bin/python3.11"}).code == 0
    assert zeppelin.spark()["PYSPARK_PYTHON"] == "/usr/bin/python3.11"


def test_a_second_time_nothing_is_restarted(zeppelin: Recorded, env: dict[str, str]) -> None:
    assert configure(zeppelin.url, env).code == 0
    del zeppelin.asked[:]
    ended = configure(zeppelin.url, env)
    assert (ended.code, ended.stdout) == (0, "Nothing to change.\n")
    assert zeppelin.asked == ["GET /api/version", f"GET {SETTING}"]


def test_dry_run_shows_and_changes_nothing(zeppelin: Recorded, env: dict[str, str]) -> None:
    before = copy.deepcopy(zeppelin.settings)
    ended = configure(zeppelin.url, env, "--dry-run")
    assert zeppelin.settings == before and not zeppelin.bodies
    rows = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines()}
    assert rows["PROPERTY"] == ["OLD", "NEW"]
    assert rows["spark.executor.instances"] == ["2", '""']
    assert rows["spark.dynamicAllocation.enabled"] == ["–", "true"]
    assert rows["spark.master"] == ["local[*]", "spark://1.master.myapp.app.localspace:7077"]


def test_another_setting_of_the_group(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.settings.append(interpreter("spark35"))
    assert configure(zeppelin.url, env, "--interpreter", "spark35").code == 0
    assert zeppelin.spark()["spark.master"] == "local[*]"
    assert f"PUT {SETTING}/restart/spark35-id" in zeppelin.asked


def test_it_waits_until_dependencies_are_there(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.is_slow = 2
    ended = configure(zeppelin.url, env)
    assert ended.code == 0 and zeppelin.is_slow == 0
    assert "status=READY" in ended.stderr


# Secrets


def test_no_secret_is_sent_or_shown(zeppelin: Recorded, env: dict[str, str]) -> None:
    theirs = "spark.hadoop.fs.s3a.secret.key=the-operators-own;spark.my.api.key=hush-hush"
    hidden = {**env, **launchers.S3, "SPARKSPACE_CONF": theirs, "SPARKSPACE_S3_ENDPOINT": "http://127.0.0.1:9"}
    ended = configure(zeppelin.url, {**hidden, "SPARKSPACE_EVENT_LOG_DIR": "file:/tmp/events"})
    assert ended.code == 0, ended.stderr
    said = f"{zeppelin.bodies} {ended.stdout} {ended.stderr}"
    for secret in (*launchers.SECRETS, "the-operators-own", "hush-hush"):
        assert secret not in said
    assert "spark.hadoop.fs.s3a.secret.key, spark.my.api.key" in ended.stderr.replace("spark.redaction.regex, ", "")
    assert zeppelin.spark()["spark.authenticate.secret"] == "in-the-environment"


def test_secrets_that_zeppelin_has_are_masked() -> None:
    change = setting.Change("spark.ssl.keyPassword", "hush-hush", "")
    assert "hush-hush" not in " ".join(change.row())


def test_no_property_is_cut_in_two(zeppelin: Recorded, env: dict[str, str]) -> None:
    """Zeppelin joins all of them with bars: a value with one in it would be an option of spark-submit."""
    assert configure(zeppelin.url, {**env, "SPARKSPACE_CONF": "spark.my.list=a|b"}).code == 0
    assert [name for name, value in zeppelin.spark().items() if "|" in str(value)] == []


# Users


def test_somebody_who_has_to_log_in(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.users = {"ann": "open sesame"}
    ended = configure(zeppelin.url, env)
    assert ended.code == 76 and "asks who you are" in ended.stderr and "--user NAME" in ended.stderr
    ended = configure(zeppelin.url, env, "--user", "ann")
    assert ended.code == 64 and "export ZEPPELIN_PASSWORD" in ended.stderr
    ended = configure(zeppelin.url, {**env, "ZEPPELIN_PASSWORD": "wrong word"}, "--user", "ann")
    assert ended.code == 76 and "does not take the password of 'ann'" in ended.stderr
    assert "wrong word" not in ended.stderr and not zeppelin.bodies
    ended = configure(zeppelin.url, {**env, "ZEPPELIN_PASSWORD": "open sesame"}, "--user", "ann")
    assert ended.code == 0 and zeppelin.bodies, ended.stderr


def test_a_zeppelin_without_users(zeppelin: Recorded, env: dict[str, str]) -> None:
    ended = configure(zeppelin.url, {**env, "ZEPPELIN_PASSWORD": "x"}, "--user", "ann")
    assert ended.code == 76 and "has no users" in ended.stderr


# What is refused


@pytest.mark.parametrize("url", ["zeppelin:8080", "ftp://zeppelin", "http://ann:hush-hush@zeppelin:8080", "http://"])
def test_a_url_that_is_none(env: dict[str, str], url: str) -> None:
    ended = configure(url, env)
    assert ended.code == 64 and "--url must be like" in ended.stderr and "hush" not in ended.stderr


def test_nobody_there(env: dict[str, str]) -> None:
    ended = configure("http://127.0.0.1:9", env)
    assert ended.code == 76 and "No Zeppelin answers at http://127.0.0.1:9: connection refused." in ended.stderr


def test_somebody_else_there(zeppelin: Recorded, env: dict[str, str]) -> None:
    ended = configure(f"{zeppelin.url}/elsewhere", env)
    assert ended.code == 76 and "is not Zeppelin's REST API (404, text/html)" in ended.stderr


def test_no_such_interpreter(zeppelin: Recorded, env: dict[str, str]) -> None:
    ended = configure(zeppelin.url, env, "--interpreter", "sprak")
    assert ended.code == 76 and "has no interpreter 'sprak'" in ended.stderr and "--interpreter: spark" in ended.stderr
    ended = configure(zeppelin.url, env, "--interpreter", "md")
    assert ended.code == 76 and "of the group 'md', not of spark" in ended.stderr
    assert not zeppelin.bodies


def test_a_change_that_zeppelin_chokes_on(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.error = "Cannot fetch dependencies: org.example:theirs:1.0"
    ended = configure(zeppelin.url, env)
    assert ended.code == 76 and "ERROR and not READY: Cannot fetch dependencies" in ended.stderr


def test_a_spark_that_this_zeppelin_does_not_run_on(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.version = "0.10.1"
    ended = configure(zeppelin.url, env)
    assert ended.code == 72 and "Zeppelin 0.10.1 runs on Spark 2.0 to 3.2, and this is Spark 3.5.9." in ended.stderr
    assert "Of Spark 3.5.9's there are: 0.11.0" in ended.stderr and not zeppelin.bodies
    zeppelin.settings[1] = interpreter(**{versions.CHECK: False})  # Zeppelin's own switch
    assert configure(zeppelin.url, env).code == 0


# Which goes with which


@pytest.mark.parametrize(
    ("spark", "zeppelins"),
    [
        ("3.5.9", ["0.11.0", "0.11.1", "0.11.2", "0.12.0", "0.12.1"]),
        ("4.0.5", ["0.12.1"]),
        ("4.1.4", []),
        ("4.3.0", []),
    ],
)
def test_zeppelins_of_a_spark(spark: str, zeppelins: list[str]) -> None:
    assert [each for each in versions.SPARKS if versions.runs_on(each, spark)] == zeppelins
    for each in zeppelins:
        versions.refuse_other(each, spark)


@pytest.mark.parametrize(
    ("zeppelin", "spark", "said"),
    [
        ("0.12.1", "4.3.0", "No Zeppelin runs on Spark 4.3.0: the newest, 0.12.1, on Spark 4.0 at most"),
        ("0.12.0", "4.0.5", "Of Spark 4.0.5's there are: 0.12.1."),
        ("0.13.0", "3.5.9", "Zeppelin 0.13.0 is not known here"),
    ],
)
def test_a_pair_that_does_not_go(zeppelin: str, spark: str, said: str) -> None:
    with pytest.raises(LaunchError) as caught:
        versions.refuse_other(zeppelin, spark)
    assert said in str(caught.value)


def test_conf_files_are_read_as_they_are_written() -> None:
    for value in ("plain", " a b", "back\\slash", "two\nlines\tand\r\f", "a=b|c", "\x0b\u2028", "größe"):
        assert conf.properties(f"# about\n\nx.y={conf.property_value(value)}\n") == {"x.y": value}


# bin/zeppelin

TEMPLATE = [
    {
        "group": "spark",
        "name": "spark",
        "properties": {
            "SPARK_HOME": {"envName": "SPARK_HOME", "defaultValue": "", "description": "Where.", "type": "string"},
            "spark.master": {"envName": "SPARK_MASTER", "defaultValue": "local[*]", "type": "string"},
            "spark.executor.instances": {"defaultValue": "2", "type": "number"},
        },
    },
    {"group": "spark", "name": "sql", "properties": {"zeppelin.spark.maxResult": {"defaultValue": "1000"}}},
    {"group": "spark", "name": "pyspark"},
]


@pytest.fixture
def installed(env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The dyno, with a Zeppelin that only tells what it was given."""
    home = tmp_path / "zeppelin"
    launchers.fake_program(home / "bin" / "zeppelin.sh")
    (home / "interpreter" / "spark").mkdir(parents=True)
    (home / "lib").mkdir()
    (home / "lib" / "zeppelin-server-0.12.0.jar").touch()
    with zipfile.ZipFile(home / "interpreter" / "spark" / "spark-interpreter-0.12.0.jar", "w") as jar:
        jar.writestr("interpreter-setting.json", json.dumps(TEMPLATE))
    known = {"SPACE_PROXY_BASIC_AUTH": "ann:{PLAIN}the-password-of-ann"}
    return {**env, **known, "ZEPPELIN_HOME": str(home), "TMPDIR": str(tmp_path)}


def test_the_zeppelin_of_a_dyno(installed: dict[str, str]) -> None:
    ended = launchers.run("zeppelin", "--debug", env=installed)
    assert ended.code == 0, ended.stderr
    env = ended.echo["env"]
    assert ended.echo["argv"][1:] == ["--debug"]
    assert (env["ZEPPELIN_ADDR"], env["ZEPPELIN_PORT"], env["ZEPPELIN_RUN_MODE"]) == ("127.0.0.1", "8080", "local")
    assert env["_SPARK_AUTH_SECRET"] == launchers.SECRET
    told = json.loads(Path(env["ZEPPELIN_CONF_DIR"], "interpreter.json").read_text())["interpreterSettings"]["spark"]
    values = {name: entry["value"] for name, entry in told["properties"].items()}
    assert values["spark.master"] == "spark://1.master.myapp.app.localspace:7077"
    assert values["spark.dynamicAllocation.enabled"] == "true"
    assert values["zeppelin.spark.maxResult"] == "1000" and values["spark.executor.instances"] == ""
    assert (values["SPARK_HOME"], values["PYSPARK_PYTHON"]) == (installed["SPARK_HOME"], env["PYSPARK_PYTHON"])
    defaults = Path(env["SPARK_CONF_DIR"], "spark-defaults.conf").read_text()
    assert "spark.driver.host=127.0.0.1" in defaults and "spark.dynamicAllocation.enabled=true" in defaults
    assert "Notebooks are on this dyno's own disk" in ended.stderr


def test_no_secret_is_in_a_file(installed: dict[str, str]) -> None:
    ended = launchers.run("zeppelin", env={**installed, **launchers.S3, "SPARKSPACE_EVENT_LOG_DIR": "file:/tmp/events"})
    assert ended.code == 0, ended.stderr
    folders = [Path(ended.echo["env"][name]) for name in ("ZEPPELIN_CONF_DIR", "SPARK_CONF_DIR")]
    files = [path for folder in folders for path in folder.iterdir()]
    assert {"interpreter.json", "shiro.ini", "log4j.properties", "spark-defaults.conf"} <= {each.name for each in files}
    for text in [each.read_text() for each in files] + [ended.stderr]:
        assert not any(secret in text for secret in (*launchers.SECRETS, "the-password-of-ann"))
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    env = ended.echo["env"]
    assert env["ZEPPELIN_NOTEBOOK_STORAGE"].endswith(".S3NotebookRepo")
    assert (env["ZEPPELIN_NOTEBOOK_S3_BUCKET"], env["ZEPPELIN_NOTEBOOK_S3_USER"]) == (
        "my-bucket",
        "sparkspace-notebooks/zeppelin",
    )
    assert env["AWS_SECRET_ACCESS_KEY"] == launchers.S3["SPARK_S3_AWS_SECRET_ACCESS_KEY"]


def test_notebooks_on_a_disk(installed: dict[str, str], tmp_path: Path) -> None:
    ended = launchers.run("zeppelin", env={**installed, "SPARKSPACE_NOTEBOOKS_DIR": f"file:{tmp_path}/my%20notes"})
    assert ended.echo["env"]["ZEPPELIN_NOTEBOOK_DIR"] == f"{tmp_path}/my notes/zeppelin"
    assert "own disk" not in ended.stderr


def test_passwords_as_shiro_reads_them() -> None:
    _, shiro, algorithm, iterations, salt, digest = server.hashed("größe").split("$")
    assert (shiro, algorithm) == ("shiro1", "SHA-256")
    found = base64.b64decode(salt) + "größe".encode()
    for _ in range(int(iterations)):
        found = hashlib.sha256(found).digest()
    assert base64.b64decode(digest) == found


def test_nobody_who_could_log_in(installed: dict[str, str]) -> None:
    ended = launchers.run(
        "zeppelin", env={**installed, "SPACE_PROXY_BASIC_AUTH": "ann:$apr1$salt$0123456789abcdefghijkl"}
    )
    assert ended.code == 78 and "must have a user with a {PLAIN} password" in ended.stderr


def test_a_spark_that_the_installed_one_does_not_run_on(installed: dict[str, str]) -> None:
    jars = Path(installed["SPARK_HOME"], "jars")
    (jars / "spark-core_2.12-3.5.9.jar").rename(jars / "spark-core_2.13-4.3.0.jar")
    ended = launchers.run("zeppelin", env=installed)
    assert ended.code == 72 and "Zeppelin 0.12.0 runs on Spark 3.3 to 3.5, and this is Spark 4.3.0." in ended.stderr
    assert "bin/sparkspace upgrade 4.0" in ended.stderr


def test_without_zeppelin(env: dict[str, str], tmp_path: Path) -> None:
    ended = launchers.run("zeppelin", env=env)
    assert ended.code == 72 and "heroku config:set SPARKSPACE_ZEPPELIN_VERSION=0.12.1" in ended.stderr
    assert "bin/sparkspace upgrade" not in ended.stderr  # it runs on this Spark
    jars = Path(env["SPARK_HOME"], "jars")
    (jars / "spark-core_2.12-3.5.9.jar").rename(jars / "spark-core_2.13-4.3.0.jar")
    assert "bin/sparkspace upgrade 4.0" in launchers.run("zeppelin", env=env).stderr


def test_a_home_without_zeppelin(env: dict[str, str], tmp_path: Path) -> None:
    ended = launchers.run("zeppelin", env={**env, "ZEPPELIN_HOME": str(tmp_path / "nowhere")})
    assert ended.code == 72 and f"ZEPPELIN_HOME is {tmp_path}/nowhere, and there is no bin/zeppelin.sh" in ended.stderr


@pytest.mark.parametrize(
    "missing", ["lib/zeppelin-server-0.12.0.jar", "interpreter/spark/spark-interpreter-0.12.0.jar"]
)
def test_half_a_zeppelin(installed: dict[str, str], missing: str) -> None:
    Path(installed["ZEPPELIN_HOME"], missing).unlink()
    ended = launchers.run("zeppelin", env=installed)
    assert ended.code == 72 and "nstall" in ended.stderr


# What the build does

NAME = "zeppelin-0.12.0-bin-netinst"
FILES = {
    "bin/zeppelin.sh": b"#!/bin/sh\n",
    "lib/zeppelin-server-0.12.0.jar": b"server",
    "zeppelin-web-0.12.0.war": b"pages",
    "interpreter/zeppelin-interpreter-shaded-0.12.0.jar": b"shaded",
    "interpreter/spark/scala-2.12/spark-scala-2.12-0.12.0.jar": b"shell",
    "interpreter/jdbc/zeppelin-jdbc-0.12.0.jar": b"not wanted",
    "plugins/NotebookRepo/S3NotebookRepo/s3.jar": b"s3",
    "plugins/Launcher/K8sStandardInterpreterLauncher/k8s.jar": b"not wanted",
    "../outside": b"an attack",
}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of the archive's layout, with a small distribution: its URL, and the folder that it serves."""
    folder = tmp_path / "archive" / "zeppelin-0.12.0"
    folder.mkdir(parents=True)
    with tarfile.open(folder / f"{NAME}.tgz", "w:gz") as tar:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"{NAME}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    found = hashlib.sha512((folder / f"{NAME}.tgz").read_bytes()).hexdigest()
    (folder / f"{NAME}.tgz.sha512").write_text(f"{found}  {NAME}.tgz\n")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(folder.parent)))
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}", folder
    web.shutdown()
    thread.join()
    web.server_close()


def app(tmp_path: Path) -> App:
    for name in ("build", "cache"):
        (tmp_path / name).mkdir(exist_ok=True)
    return App(tmp_path / "build", tmp_path / "cache", {})


def test_the_build_brings_what_a_dyno_needs(archive: tuple[str, Path], tmp_path: Path) -> None:
    build.install(app(tmp_path), "0.12.0", archive[0])
    home = tmp_path / "build" / build.FOLDER
    found = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} - {"files.json"}
    assert found == {name for name, content in FILES.items() if content not in (b"not wanted", b"an attack")}
    assert server.version(home) == "0.12.0" and server.home({"ZEPPELIN_HOME": str(home)}) == home
    assert home.name == server.BUILT.name and home.parent.name == server.BUILT.parent.name
    for path in archive[1].iterdir():
        path.unlink()
    build.install(app(tmp_path), "0.12.0", archive[0])  # from the cache


def test_an_archive_that_is_not_what_it_says(archive: tuple[str, Path], tmp_path: Path) -> None:
    with (archive[1] / f"{NAME}.tgz").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BuildError, match=r"came wrong\.\nExpected: SHA-512 [0-9a-f]{128}"):
        build.install(app(tmp_path), "0.12.0", archive[0])
    (archive[1] / f"{NAME}.tgz.sha512").write_text("404\n")
    with pytest.raises(BuildError, match="has no checksum"):
        build.install(app(tmp_path), "0.12.0", archive[0])
    assert not (tmp_path / "build" / build.FOLDER).exists()


def test_an_archive_that_is_not_there(archive: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"0\.12\.1-bin-netinst\.tgz can't be fetched: HTTP Error 404"):
        build.install(app(tmp_path), "0.12.1", archive[0])


def test_checksums_as_gpg_prints_them() -> None:
    found = hashlib.sha512(b"x").hexdigest()
    groups = " ".join(found[i : i + 8].upper() for i in range(0, 128, 8))
    assert build.digest(f"{NAME}.tgz: {groups[:72]}\n   {groups[72:]}\n", f"{NAME}.tgz") == found


def test_what_the_build_refuses_before_it_fetches() -> None:
    assert build.wanted({}, "4.3.0") == ""
    assert build.wanted({build.VAR: " 0.12.1 "}, "4.0.5") == "0.12.1"
    with pytest.raises(LaunchError, match="and this is Spark 4.3.0"):
        build.wanted({build.VAR: "0.12.1"}, "4.3.0")
