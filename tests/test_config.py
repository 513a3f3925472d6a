"""Config vars and the platform's facts: what is taken, and what is refused with which words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sparkspace.config import S3, SECRET_VARS, VARS, Allocation, Backend, Cycling, Dyno, Scaling, Settings, User
from sparkspace.errors import ConfigError, PlatformError

from .launchers import FACTS, SECRET, SECRETS
from .launchers import S3 as BUCKET

DAILY = timedelta(hours=22)
DEFAULTS = Settings(
    executor_memory_mb=None,
    driver_memory_mb=None,
    default_cores=4,
    allocation=None,
    masters=1,
    master_wait_s=120,
    zookeepers="",
    ensemble=0,
    reverse_proxy_url="",
    s3=None,
    log_level="INFO",
    secret="",
    master_app="",
    extra_conf=(),
    event_log_dir="",
    event_log_days=30,
    modules_dir="",
    recovery_dir="",
    notebooks_dir="",
    proxy_users=(),
    proxy_default=None,
    proxy_apps=(),
    cycling=None,
    scaling=None,
    class_dirs=(),
)


@pytest.mark.parametrize("env", [{}, dict.fromkeys(VARS, ""), {"PATH": "/bin", "DATABASE_URL": "x", "SPARKLE": "1"}])
def test_nothing_set(env: dict[str, str]) -> None:
    assert Settings.from_env(env) == DEFAULTS


@pytest.mark.parametrize(
    ("var", "value", "field", "meant"),
    [
        ("SPARK_EXECUTOR_MEMORY", "512m", "executor_memory_mb", 512),
        ("SPARK_EXECUTOR_MEMORY", " 12G ", "executor_memory_mb", 12288),
        ("SPARK_EXECUTOR_MEMORY", "12gb", "executor_memory_mb", 12288),
        ("SPARK_EXECUTOR_MEMORY", "1 T", "executor_memory_mb", 1024 * 1024),
        ("SPARK_DRIVER_MEMORY", "2048M", "driver_memory_mb", 2048),
        ("SPARK_DEFAULT_CORES", "1", "default_cores", 1),
        ("SPARK_DEFAULT_CORES", "007", "default_cores", 7),
        ("SPARK_MASTERS", "10", "masters", 10),
        ("SPARK_MASTERS", "   ", "masters", 1),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://10.1.1.1", "zookeepers", "10.1.1.1:2181"),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://a:1, zookeeper://b-c.d:2182", "zookeepers", "a:1,b-c.d:2182"),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://[fd00::1]:2181", "zookeepers", "[fd00::1]:2181"),
        ("SPARKSPACE_ZOOKEEPERS", "0", "ensemble", 0),
        ("SPARKSPACE_ZOOKEEPERS", " 3 ", "ensemble", 3),
        ("SPARKSPACE_ZOOKEEPERS", "7", "ensemble", 7),
        ("SPARK_REVERSE_PROXY_URL", "https://spark.example.com/ui/", "reverse_proxy_url", "https://spark.example.com/ui"),
        ("SPARK_REVERSE_PROXY_URL", "http://10.0.0.1:8080", "reverse_proxy_url", "http://10.0.0.1:8080"),
        ("SPARK_REVERSE_PROXY_URL", "https://[fd00::1]:8443//", "reverse_proxy_url", "https://[fd00::1]:8443"),
        ("SPARK_REVERSE_PROXY_URL", "https://a_b.c-d:1/-x/_y/z.~", "reverse_proxy_url", "https://a_b.c-d:1/-x/_y/z.~"),
        ("SPARK_REVERSE_PROXY_URL", "https://a/proxying/my-history", "reverse_proxy_url",
         "https://a/proxying/my-history"),
        ("SPACE_PROXY_BASIC_AUTH", "0123456789abcdef", "proxy_users", (User("spark", "{PLAIN}0123456789abcdef"),)),
        ("SPACE_PROXY_DEFAULT_BACKEND", " 1.job.reports.app.localspace:4040\n", "proxy_default",
         Backend("1.job.reports.app.localspace", "reports", 4040)),
        ("SPARKSPACE_PROXY_APPS", " reports,, jobs-2 ,", "proxy_apps", ("reports", "jobs-2")),
        ("SPARKSPACE_EVENT_LOG_DAYS", "1", "event_log_days", 1),
        ("SPARKSPACE_MASTER_WAIT_S", "0", "master_wait_s", 0),
        ("SPARKSPACE_MASTER_WAIT_S", "3600", "master_wait_s", 3600),
        ("SPARKSPACE_CLASS_DIR", "out/a:/b", "class_dirs", ("out/a", "/b")),
        ("SPARKSPACE_EVENT_LOG_DAYS", "36500", "event_log_days", 36_500),
        ("LOG_LEVEL", "warn", "log_level", "WARN"),
        ("SPARKSPACE_SECRET", "!\"#$%&'()*+,-./~", "secret", "!\"#$%&'()*+,-./~"),
        ("SPARKSPACE_MASTER_APP", "my-cluster-2", "master_app", "my-cluster-2"),
        ("SPARKSPACE_EVENT_LOG_DIR", "file:/tmp/events", "event_log_dir", "file:/tmp/events"),
        ("SPARKSPACE_MODULES_DIR", "file:/tmp/modules", "modules_dir", "file:/tmp/modules"),
        ("SPARKSPACE_RECOVERY_DIR", "file:/tmp/state", "recovery_dir", "file:/tmp/state"),
        ("SPARKSPACE_RECOVERY_DIR", "none", "recovery_dir", ""),
        ("SPARKSPACE_NOTEBOOKS_DIR", "file:/data/nb/", "notebooks_dir", "file:/data/nb"),
        ("SPARKSPACE_EVENT_LOG_DIR", "hdfs://namenode:9000/é", "event_log_dir", "hdfs://namenode:9000/é"),
        ("SPARKSPACE_CONF", "spark.a=1;spark.b=2", "extra_conf", (("spark.a", "1"), ("spark.b", "2"))),
        ("SPARKSPACE_CONF", "\nspark.a = 1;2 \r\n\n spark.b=\n", "extra_conf", (("spark.a", "1;2"), ("spark.b", ""))),
        ("SPARKSPACE_CONF", "spark.a=x=y==", "extra_conf", (("spark.a", "x=y=="),)),
        ("SPARKSPACE_CONF", "spark.a=1;spark.b=2;spark.a=3", "extra_conf", (("spark.a", "3"), ("spark.b", "2"))),
        ("SPARKSPACE_CONF", ";; ;", "extra_conf", ()),
        ("SPARKSPACE_CONF", "spark.a=1\u20282\x0b3\r4\nspark.b=\x85\n", "extra_conf",
         (("spark.a", "1\u20282\x0b3\r4"), ("spark.b", ""))),
        ("SPARKSPACE_CONF", "spark.a=日本 😀", "extra_conf", (("spark.a", "日本 😀"),)),
    ],
)  # fmt: skip
def test_value_is_taken(var: str, value: str, field: str, meant: object) -> None:
    assert getattr(Settings.from_env({var: value}), field) == meant


def test_bucket() -> None:
    key, secret = (BUCKET[name] for name in SECRET_VARS if name in BUCKET)
    found = Settings.from_env(BUCKET)
    assert found.s3 == S3("my-bucket", key, secret, "us-east-1", "")
    assert found.event_log_dir == "s3a://my-bucket/spark-events"
    assert found.modules_dir == "s3a://my-bucket/sparkspace-modules"
    assert found.recovery_dir == "s3a://my-bucket/spark-recovery"
    assert found.notebooks_dir == "s3a://my-bucket/sparkspace-notebooks"
    more = {"SPARK_S3_AWS_REGION": "eu-west-1", "SPARKSPACE_S3_ENDPOINT": "http://10.0.0.9:9000/"}
    assert Settings.from_env({**BUCKET, **more}).s3 == S3(
        "my-bucket", key, secret, "eu-west-1", "http://10.0.0.9:9000/"
    )
    assert Settings.from_env({**BUCKET, "SPARKSPACE_EVENT_LOG_DIR": "file:/x"}).event_log_dir == "file:/x"


@pytest.mark.parametrize(
    ("env", "cycling"),
    [
        ({}, Cycling("a-token", False, 120, 60, DAILY)),
        ({"SPARKSPACE_CYCLING": " missing "}, Cycling("a-token", False, 120, 60, DAILY)),
        ({"SPARKSPACE_CYCLING": "all"}, Cycling("a-token", True, 120, 60, DAILY)),
        ({"SPARKSPACE_DYNO_LIFETIME_HOURS": "off"}, Cycling("a-token", False, 120, 60, None)),
        ({"SPARKSPACE_DYNO_LIFETIME_HOURS": "0.1"}, Cycling("a-token", False, 120, 60, timedelta(minutes=6))),
        ({"SPARKSPACE_CYCLING": "off"}, None),
        ({"SPARK_HEROKU_ACCESS_TOKEN": " "}, None),
        (
            {"SPARKSPACE_CYCLING_WAIT_S": "5", "SPARKSPACE_CYCLING_AGE_MINUTES": "1"},
            Cycling("a-token", False, 5, 1, DAILY),
        ),
    ],
)
def test_cycling_is_on_with_a_token_and_unless_turned_off(env: dict[str, str], cycling: Cycling | None) -> None:
    settings = Settings.from_env({"SPARK_HEROKU_ACCESS_TOKEN": "a-token", **env})
    assert settings.cycling == cycling and "a-token" not in repr(settings)
    assert Settings.from_env({**env, "SPARK_HEROKU_ACCESS_TOKEN": ""}).cycling is None


ELASTIC = "SPARKSPACE_DYNAMIC_ALLOCATION"


@pytest.mark.parametrize(
    ("env", "allocation"),
    [
        ({}, None),
        ({ELASTIC: "false"}, None),
        ({ELASTIC: "FALSE", f"{ELASTIC}_MAX_EXECUTORS": "3"}, None),
        ({ELASTIC: "true"}, Allocation(0, 10, 60, 1200, by_service=True)),
        ({ELASTIC: " Tracking "}, Allocation(0, 10, 60, 1200, by_service=False)),
        (
            {
                ELASTIC: "true",
                f"{ELASTIC}_MIN_EXECUTORS": "3",
                f"{ELASTIC}_MAX_EXECUTORS": "3",
                f"{ELASTIC}_IDLE_S": "1",
                f"{ELASTIC}_CACHED_IDLE_S": "604800",
            },
            Allocation(3, 3, 1, 604800, by_service=True),
        ),
    ],
)
def test_dynamic_allocation(env: dict[str, str], allocation: Allocation | None) -> None:
    settings = Settings.from_env(env)
    assert settings.allocation == allocation
    assert settings.serves_shuffles == (allocation is not None and allocation.by_service)


@pytest.mark.parametrize(
    ("env", "scaling"),
    [
        ({}, None),
        ({"SPARKSPACE_WORKERS_MAX": "4"}, Scaling(1, 4, 10, None)),
        (
            {
                "SPARKSPACE_WORKERS_MAX": "4",
                "SPARKSPACE_WORKERS_MIN": "0",
                "SPARKSPACE_IDLE_MINUTES": "1",
                "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY": "48",
            },
            Scaling(0, 4, 1, 48),
        ),
    ],
)
def test_scaling(env: dict[str, str], scaling: Scaling | None) -> None:
    assert Settings.from_env(env).scaling == scaling


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"SPARKSPACE_WORKERS_MIN": "0"}, "SPARKSPACE_WORKERS_MAX must be set, too, when SPARKSPACE_WORKERS_MIN is."),
        ({"SPARKSPACE_IDLE_MINUTES": "5"}, "SPARKSPACE_WORKERS_MAX must be set, too, when SPARKSPACE_IDLE_MINUTES is."),
        (
            {"SPARKSPACE_WORKERS_MAX": "2", "SPARKSPACE_WORKERS_MIN": "3"},
            "SPARKSPACE_WORKERS_MIN must be at most SPARKSPACE_WORKERS_MAX, which is 2, but it is '3'.",
        ),
        (
            {"SPARKSPACE_WORKERS_MAX": "0"},
            "SPARKSPACE_WORKERS_MAX must be a whole number from 1 to 1000, but it is '0'.",
        ),
    ],
)
def test_scaling_is_refused(env: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(env)
    assert caught.value.message == message


def test_more_executors_at_least_than_at_most() -> None:
    env = {f"{ELASTIC}_MIN_EXECUTORS": "4", f"{ELASTIC}_MAX_EXECUTORS": "3"}
    with pytest.raises(ConfigError, match="MIN_EXECUTORS must be at most .*_MAX_EXECUTORS, which is 3, but it is '4'"):
        Settings.from_env(env)


SIZE = "must be a size with its unit, like 512m or 12g"
WHOLE = "must be a whole number from 1 to"
URL = "must be an http:// or https:// URL with a host name"
SEGMENTS = "must have a path of plain letters, digits, '-', '_' and '.', or none"
HISTORY = "must not have 'proxy' or 'history' in its path: Spark's pages would break"
BACKEND = "must be a dyno of the space and a port of Spark's pages (8080, 8081, 4040 to 4060, 18080, 8888)"
CLASSES = "must be directories of .class files, with ':' between"
APPS = "must be names of Heroku apps of the same space, with commas between"
ZOOKEEPER = "must be zookeeper://host:port, several with a comma between"
ENSEMBLE = "must be 0, 3, 5 or 7 (most of them have to run: 1 or 2 bear no loss, and 4 no more than 3)"
PROPERTIES = (
    "must be Spark properties, key=value per line or with ';' between; number {} is none (it is not shown here)."
)
HALF = "must be set too when one of the SPARK_S3_… vars is."
CYCLING = "must be one of missing, all, off"
LIFETIME = "must be a number of hours from 0.05 to 24, or off"
BLANKS = "must be printable ASCII without blanks (it is not shown here)."
SHORT = "must be at least 16 printable ASCII characters without blanks (it has {})."


@pytest.mark.parametrize(
    ("env", "has"),
    [
        ({}, False),
        ({"SPARKSPACE_ZOOKEEPERS": "0"}, False),
        ({"SPARKSPACE_ZOOKEEPERS": "3"}, True),
        ({"SPARK_ZK_ZOOKEEPER_URL": "zookeeper://10.1.1.1"}, True),
        ({"SPARK_ZK_ZOOKEEPER_URL": "zookeeper://10.1.1.1", "SPARKSPACE_ZOOKEEPERS": "0"}, True),
    ],
)
def test_there_is_zookeeper(env: dict[str, str], has: bool) -> None:
    assert Settings.from_env(env).has_zookeeper == has


def test_two_ensembles_are_one_too_many() -> None:
    env = {"SPARKSPACE_ZOOKEEPERS": "3", "SPARK_ZK_ZOOKEEPER_URL": "zookeeper://10.1.1.1"}
    with pytest.raises(ConfigError, match="must be 0 when SPARK_ZK_ZOOKEEPER_URL names another ensemble"):
        Settings.from_env(env)


@pytest.mark.parametrize(
    ("var", "value", "must"),
    [
        ("SPARKSPACE_CYCLING", "some", f"{CYCLING}, but it is 'some'."),
        ("SPARKSPACE_CYCLING_WAIT_S", "4", "must be a whole number from 5 to 3600, but it is '4'."),
        ("SPARKSPACE_CYCLING_AGE_MINUTES", "0", "must be a whole number from 1 to 1440, but it is '0'."),
        ("SPARKSPACE_DYNO_LIFETIME_HOURS", "0", f"{LIFETIME}, but it is '0'."),
        ("SPARKSPACE_DYNO_LIFETIME_HOURS", "25", f"{LIFETIME}, but it is '25'."),
        ("SPARKSPACE_DYNO_LIFETIME_HOURS", "22h", f"{LIFETIME}, but it is '22h'."),
        ("SPARKSPACE_DYNO_LIFETIME_HOURS", "nan", f"{LIFETIME}, but it is 'nan'."),
        ("SPARK_HEROKU_ACCESS_TOKEN", "two words", BLANKS),
        (ELASTIC, "on", "must be one of false, true, tracking, but it is 'on'."),
        (f"{ELASTIC}_MIN_EXECUTORS", "-1", "must be a whole number from 0 to 10000, but it is '-1'."),
        (f"{ELASTIC}_MAX_EXECUTORS", "0", "must be a whole number from 1 to 10000, but it is '0'."),
        (f"{ELASTIC}_IDLE_S", "60s", "must be a whole number from 1 to 604800, but it is '60s'."),
        (f"{ELASTIC}_CACHED_IDLE_S", "0", "must be a whole number from 1 to 604800, but it is '0'."),
        ("SPARK_EXECUTOR_MEMORY", "12", f"{SIZE}, but it is '12'."),
        ("SPARK_EXECUTOR_MEMORY", "1.5g", f"{SIZE}, but it is '1.5g'."),
        ("SPARK_EXECUTOR_MEMORY", "-1g", f"{SIZE}, but it is '-1g'."),
        ("SPARK_EXECUTOR_MEMORY", "512k", f"{SIZE}, but it is '512k'."),
        ("SPARK_EXECUTOR_MEMORY", "1g\n-Xmx9g", f"{SIZE}, but it is '1g\\n-Xmx9g'."),
        ("SPARK_EXECUTOR_MEMORY", "9" * 13 + "g", f"{SIZE}, but it is '9999999999999g'."),
        ("SPARK_DRIVER_MEMORY", "511m", "must be at least 512m, the least that Spark starts with, but it is '511m'."),
        ("SPARK_DRIVER_MEMORY", "0g", "must be at least 512m, the least that Spark starts with, but it is '0g'."),
        ("SPARK_DEFAULT_CORES", "0", f"{WHOLE} 100000, but it is '0'."),
        ("SPARK_DEFAULT_CORES", "1e3", f"{WHOLE} 100000, but it is '1e3'."),
        ("SPARK_MASTERS", "11", f"{WHOLE} 10, but it is '11'."),
        ("SPARK_MASTERS", "-1", f"{WHOLE} 10, but it is '-1'."),
        ("SPARK_MASTERS", "x", f"{WHOLE} 10, but it is 'x'."),
        ("SPARK_MASTERS", "٣", f"{WHOLE} 10, but it is '٣'."),
        ("SPARK_MASTERS", "²", f"{WHOLE} 10, but it is '²'."),
        ("SPARK_MASTERS", "3" * 9999, f"{WHOLE} 10, but it is '{'3' * 40}…{'3' * 20} (9999 characters)'."),
        ("SPARK_ZK_ZOOKEEPER_URL", "10.1.1.1:2181", f"{ZOOKEEPER}, but it is '10.1.1.1:2181'."),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://a,", f"{ZOOKEEPER}, but it is 'zookeeper://a,'."),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://a/b", f"{ZOOKEEPER}, but it is 'zookeeper://a/b'."),
        ("SPARK_ZK_ZOOKEEPER_URL", "zookeeper://é", f"{ZOOKEEPER}, but it is 'zookeeper://é'."),
        *[("SPARKSPACE_ZOOKEEPERS", bad, f"{ENSEMBLE}, but it is '{bad}'.") for bad in ("1", "2", "4", "9", "x", "٣")],
        ("SPARK_REVERSE_PROXY_URL", "spark.example.com", f"{URL}, but it is 'spark.example.com'."),
        ("SPARK_REVERSE_PROXY_URL", "ftp://a", f"{URL}, but it is 'ftp://a'."),
        ("SPARK_REVERSE_PROXY_URL", "https://", f"{URL}, but it is 'https://'."),
        ("SPARK_REVERSE_PROXY_URL", "https://:80", f"{URL}, but it is 'https://:80'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a:99999", f"{URL}, but it is 'https://a:99999'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a:0", f"{URL}, but it is 'https://a:0'."),
        ("SPARK_REVERSE_PROXY_URL", "https://[::1", f"{URL}, but it is 'https://[::1'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/?b", f"{URL}, but it is 'https://a/?b'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/\nb", f"{URL}, but it is 'https://a/\\nb'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a;return", f"{URL}, but it is 'https://a;return'."),
        ("SPARK_REVERSE_PROXY_URL", "https://$host", f"{URL}, but it is 'https://$host'."),
        ("SPARK_REVERSE_PROXY_URL", "https://{a}", f"{URL}, but it is 'https://{{a}}'."),
        ("SPARK_REVERSE_PROXY_URL", "https://é.example.com", f"{URL}, but it is 'https://é.example.com'."),
        ("SPARK_REVERSE_PROXY_URL", "https://user@a", f"{URL}, but it is 'https://user@a'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/b c", f"{URL}, but it is 'https://a/b c'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/#b", f"{SEGMENTS}, but it is 'https://a/#b'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a//b", f"{SEGMENTS}, but it is 'https://a//b'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/../b", f"{SEGMENTS}, but it is 'https://a/../b'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/%2e", f"{SEGMENTS}, but it is 'https://a/%2e'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/é", f"{SEGMENTS}, but it is 'https://a/é'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/{{7*7}}", f"{SEGMENTS}, but it is 'https://a/{{{{7*7}}}}'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/$x;", f"{SEGMENTS}, but it is 'https://a/$x;'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/b/proxy", f"{HISTORY}, but it is 'https://a/b/proxy'."),
        ("SPARK_REVERSE_PROXY_URL", "https://a/history/b/", f"{HISTORY}, but it is 'https://a/history/b'."),
        ("SPACE_PROXY_DEFAULT_BACKEND", "10.0.0.1:8080", f"{BACKEND}, but it is '10.0.0.1:8080'."),
        ("SPARKSPACE_PROXY_APPS", "reports;jobs", f"{APPS}, but it is 'reports;jobs'."),
        ("SPARKSPACE_PROXY_APPS", "reports,*", f"{APPS}, but it is 'reports,*'."),
        ("SPARKSPACE_MASTER_WAIT_S", "-1", "must be a whole number from 0 to 3600, but it is '-1'."),
        ("SPARKSPACE_EVENT_LOG_DAYS", "0", f"{WHOLE} 36500, but it is '0'."),
        ("SPARKSPACE_EVENT_LOG_DAYS", "36501", f"{WHOLE} 36500, but it is '36501'."),
        ("SPARKSPACE_CLASS_DIR", "http://a/classes", f"{CLASSES}, but it is 'http://a/classes'."),
        ("SPARKSPACE_CLASS_DIR", "/etc/passwd", f"{CLASSES}, but it is '/etc/passwd'."),
        ("SPARKSPACE_EVENT_LOG_DAYS", "7d", f"{WHOLE} 36500, but it is '7d'."),
        ("SPARKSPACE_S3_ENDPOINT", "s3.example.com", f"{URL}, but it is 's3.example.com'."),
        ("LOG_LEVEL", "LOUD",
         "must be one of ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF, but it is 'LOUD'."),
        ("LOG_LEVEL", "WARN\nappender.x=y",
         "must be one of ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF, but it is 'WARN\\nappender.x=y'."),
        ("SPARKSPACE_SECRET", "short", SHORT.format(5)),
        ("SPARKSPACE_SECRET", "a secret with blanks", SHORT.format(20)),
        ("SPARKSPACE_SECRET", "a-secret-with-an-é", SHORT.format(18)),
        ("SPARKSPACE_SECRET", "a-secret-with-a-newline\n", SHORT.format(24)),
        ("SPARKSPACE_MASTER_APP", "My.App", "must be the name of a Heroku app of the same space, but it is 'My.App'."),
        ("SPARKSPACE_MASTER_APP", "a" * 31,
         f"must be the name of a Heroku app of the same space, but it is '{'a' * 31}'."),
        ("SPARKSPACE_EVENT_LOG_DIR", "/tmp/events", "must be a Hadoop URL, but it is '/tmp/events'."),
        ("SPARKSPACE_MODULES_DIR", "/tmp/modules", "must be a Hadoop URL, but it is '/tmp/modules'."),
        ("SPARKSPACE_RECOVERY_DIR", "/tmp/state", "must be a Hadoop URL, but it is '/tmp/state'."),
        ("SPARKSPACE_NOTEBOOKS_DIR", "/tmp/notebooks", "must be a Hadoop URL, but it is '/tmp/notebooks'."),
        ("SPARKSPACE_NOTEBOOKS_DIR", "hdfs://namenode:9000/n",
         "must be a folder of a bucket, or of a disk (file:/…), but it is 'hdfs://namenode:9000/n'."),
        ("SPARKSPACE_NOTEBOOKS_DIR", "s3a://my-bucket/n",
         "is in a bucket, so SPARK_S3_BUCKET_NAME and its keys must be set, but it is 's3a://my-bucket/n'."),
        ("SPARKSPACE_EVENT_LOG_DIR", "file:/a b", "must be a Hadoop URL, but it is 'file:/a b'."),
        ("SPARKSPACE_CONF", "spark.a", PROPERTIES.format(1)),
        ("SPARKSPACE_CONF", "spark.a b=1", PROPERTIES.format(1)),
        ("SPARKSPACE_CONF", "hadoop.a=secret", PROPERTIES.format(1)),
        ("SPARKSPACE_CONF", "spark.a=1; ;spark.password=sec;ret", PROPERTIES.format(3)),
        ("SPARKSPACE_CONF", "spark.a=1\n\nspark.b:2", PROPERTIES.format(2)),
        ("SPARKSPACE_CONF", "spark.a=\udcff", "must be text in UTF-8 (it is not shown here)."),
        ("SPARK_S3_AWS_SECRET_ACCESS_KEY", "alone", None),
    ],
)  # fmt: skip
def test_value_is_refused(var: str, value: str, must: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({var: value})
    if must is None:
        assert caught.value.message == f"SPARK_S3_BUCKET_NAME {HALF}"
    else:
        assert caught.value.message == f"{var} {must}"
        assert caught.value.cure.startswith(f"Set it with: heroku config:set {var}=")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SPARK_S3_BUCKET_NAME": ""}, f"SPARK_S3_BUCKET_NAME {HALF}"),
        ({"SPARK_S3_AWS_ACCESS_KEY_ID": " "}, f"SPARK_S3_AWS_ACCESS_KEY_ID {HALF}"),
        ({"SPARK_S3_AWS_SECRET_ACCESS_KEY": ""}, f"SPARK_S3_AWS_SECRET_ACCESS_KEY {HALF}"),
        ({"SPARK_S3_AWS_ACCESS_KEY_ID": "a b"}, f"SPARK_S3_AWS_ACCESS_KEY_ID {BLANKS}"),
        ({"SPARK_S3_AWS_SECRET_ACCESS_KEY": "a\nb"}, f"SPARK_S3_AWS_SECRET_ACCESS_KEY {BLANKS}"),
        ({"SPARK_S3_BUCKET_NAME": "My_Bucket"},
         "SPARK_S3_BUCKET_NAME must be the name of an S3 bucket, but it is 'My_Bucket'."),
        ({"SPARK_S3_BUCKET_NAME": "a/../b"},
         "SPARK_S3_BUCKET_NAME must be the name of an S3 bucket, but it is 'a/../b'."),
        ({"SPARK_S3_AWS_REGION": "EU West"},
         "SPARK_S3_AWS_REGION must be the name of an AWS region, but it is 'EU West'."),
    ],
)  # fmt: skip
def test_bucket_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({**BUCKET, **change})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SPARKSPACE_SECRT", "Did you mean SPARKSPACE_SECRET?"),
        ("SPARKSPACE_SPARK_CONF", "Did you mean SPARKSPACE_CONF?"),
        ("SPARKSPACE_VERBOSE", "docs/config-vars.md lists those there are."),
        ("SPARK_EXECUTER_MEMORY", "Did you mean SPARK_EXECUTOR_MEMORY?"),
        ("SPARK_DEFAULT_CORE", "Did you mean SPARK_DEFAULT_CORES?"),
        ("SPACE_PROXY_BASICAUTH", "Did you mean SPACE_PROXY_BASIC_AUTH?"),
        ("SPARKSPACE_PROXY_BASIC_AUTH", "Did you mean SPACE_PROXY_BASIC_AUTH?"),
        ("SPARK_S3_BUCKETNAME", "Did you mean SPARK_S3_BUCKET_NAME?"),
    ],
)
def test_misspelt_name_is_refused(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({name: "a-secret-it-may-be"})
    assert caught.value.message == f"{name} is not a config var of this version."
    assert caught.value.cure == f"{hint} Remove it with: heroku config:unset {name}"


@pytest.mark.parametrize(
    "name",
    ["SPARK_MASTER", "SPARK_MASTER_HOST", "SPARK_EXECUTOR_CORES", "SPARK_HOME", "SPARK_WORKER_MEMORY",
     "SPARK_WORKER_CORES", "SPARK_DAEMON_MEMORY", "SPARK_DAEMON_JAVA_OPTS", "SPARK_LOG_DIR", "SPARK_NO_DAEMONIZE",
     "SPARK_USER", "SPARKPOST_API_KEY", "SPACE_PROXY_HOST", "MY_SPARK_MASTERS", "sparkspace_secret"],
)  # fmt: skip
def test_names_of_others_are_left_alone(name: str) -> None:
    assert Settings.from_env({name: "x"}) == DEFAULTS


def test_settings_do_not_print_secrets() -> None:
    env = {**BUCKET, "SPARKSPACE_SECRET": SECRET, "SPARKSPACE_CONF": f"spark.ssl.keyPassword={SECRET}"}
    env["SPACE_PROXY_BASIC_AUTH"] = f"spark:{{PLAIN}}{SECRET}"
    assert [secret for secret in SECRETS if secret in repr(Settings.from_env(env))] == []


def test_dyno() -> None:
    dyno = Dyno.from_env({**FACTS, "DYNO": "spark-worker.12"})
    assert dyno == Dyno("spark-worker.12", "127.0.0.1", "myapp.app.localspace", "1.run.myapp.app.localspace")
    assert (dyno.process_type, dyno.app_name) == ("spark-worker", "myapp")


def test_dyno_without_a_name_of_its_own_gets_one() -> None:
    env: dict[str, Any] = {**FACTS, "DYNO": "worker.2", "HEROKU_DNS_DYNO_NAME": ""}
    assert Dyno.from_env(env).dns_name == "2.worker.myapp.app.localspace"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DYNO": ""}, "This is not a dyno: DYNO is not set."),
        ({"DYNO": "web-5c8d9f7b4-x2x9p"},
         "'web-5c8d9f7b4-x2x9p' is not the name of a dyno of a Cedar-generation space."),
        ({"DYNO": "worker."}, "'worker.' is not the name of a dyno of a Cedar-generation space."),
        ({"DYNO": "worker.x"}, "'worker.x' is not the name of a dyno of a Cedar-generation space."),
        ({"HEROKU_PRIVATE_IP": ""}, "HEROKU_PRIVATE_IP is not set: this dyno is not in a Private Space."),
        ({"HEROKU_DNS_APP_NAME": ""},
         "HEROKU_DNS_APP_NAME is not set: DNS service discovery is off for this app."),
    ],
)  # fmt: skip
def test_fact_is_missing(change: dict[str, str], message: str) -> None:
    with pytest.raises(PlatformError) as caught:
        Dyno.from_env({**FACTS, **change})
    assert caught.value.message == message
    assert caught.value.cure
