"""``sparkspace zeppelin configure`` against Zeppelin's REST contract, and which Zeppelin goes with which Spark.

A real one, with paragraphs on a real cluster, is in tests/zeppelin/test_real.py.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sparkspace import conf
from sparkspace.errors import LaunchError
from sparkspace.zeppelin import setting, versions

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
    assert configure(zeppelin.url, env).code == 0
    assert set(setting.OF_A_DYNO) & zeppelin.spark().keys() == set()
    assert configure(zeppelin.url, {**env, "SPARK_DRIVER_MEMORY": "512m"}).code == 0
    assert zeppelin.spark()["spark.driver.memory"] == "512m"


def test_where_spark_is(zeppelin: Recorded, env: dict[str, str]) -> None:
    zeppelin.settings[1] = interpreter(SPARK_HOME="/opt/spark")
    assert configure(zeppelin.url, env).code == 0
    assert zeppelin.spark()["SPARK_HOME"] == "/opt/spark"  # another machine's
    assert configure(zeppelin.url, env, "--spark-home", "/opt/spark-3.5").code == 0
    assert zeppelin.spark()["SPARK_HOME"] == "/opt/spark-3.5"


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
    assert ended.code == 76 and "No Zeppelin answers at http://127.0.0.1:9" in ended.stderr


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
