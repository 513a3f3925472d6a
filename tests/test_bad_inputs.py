"""What an operator can get wrong, through the real launchers: the exit code, every line of the answer, and no more.

Each begins in a hostile environment, on a dyno whose secret and bucket are set, so that either could be printed.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from . import launchers
from .launchers import S3, SECRETS

SUBMIT = ("spark-submit", "job.py")
PROXY = "space-proxy"
HISTORY = "spark-history"
PASSWORD = "spark:{PLAIN}hunter2"
PLAIN = "spark:{PLAIN}$(openssl rand -hex 16)"
USER = (
    "must be user:{PLAIN}password or user:HASH ({SSHA}, {SHA}, apr1, or one of crypt(3)), a line each, or a password "
    "of at least 16 characters alone (what it is is not shown here)"
)
PAGES = "must be a dyno of the space and a port of Spark's pages (8080, 8081, 4040 to 4060, 18080, 8888)"
SEGMENTS = "must have a path of plain letters, digits, '-', '_' and '.', or none"
BREAKS = "must not have 'proxy' or 'history' in its path: Spark's pages would break"
WEB_URL = "https://spark.example.com"
NGINX = 'Install it with: scripts/setup   (on Heroku: the build has to bring it; see README, "Spark\'s pages")'
EXAMPLE = "zookeeper://10.1.1.1:2181,zookeeper://10.1.1.2:2181,zookeeper://10.1.1.3:2181"


@dataclass(frozen=True)
class Bad:
    """A bad input. In ``env`` None unsets; ``{tmp}`` is the test's folder."""

    name: str
    reason: str
    said: tuple[str, ...]
    env: dict[str, str | None] = field(default_factory=dict)
    command: tuple[str, ...] = ("master-url",)


def config(var: str, value: str, must: str, cure: str = "", *command: str) -> Bad:
    """A config var with a value that is refused."""
    name = f"{var} {value[:20]!r}"
    said = (f"{var} {must}.", *([f"Set it with: heroku config:set {var}={cure}"] if cure else []))
    return Bad(name, "config", said, {var: value}, command or ("master-url",))


def no_port(value: str | None) -> Bad:
    """A web process without a port to listen on."""
    said = (
        f"PORT is {value or ''!r}: only a web dyno gets one, and the proxy listens there.",
        "Run bin/space-proxy as the process type web: heroku ps:scale web=1",
    )
    return Bad(f"PORT {value!r}", "platform", said, {"PORT": value}, (PROXY,))


# fmt: off
CASES = [
    config("SPARK_EXECUTOR_MEMORY", "12", "must be a size with its unit, like 512m or 12g, but it is '12'", "4g"),
    config("SPARK_EXECUTOR_MEMORY", "12 gigabytes",
           "must be a size with its unit, like 512m or 12g, but it is '12 gigabytes'", "4g", *SUBMIT),
    config("SPARK_DRIVER_MEMORY", "100m",
           "must be at least 512m, the least that Spark starts with, but it is '100m'", "2g", *SUBMIT),
    config("SPARK_DEFAULT_CORES", "1.5",
           "must be a whole number from 1 to 100000, but it is '1.5'", "4", "spark-master"),
    config("SPARK_MASTERS", "0", "must be a whole number from 1 to 10, but it is '0'", "1"),
    config("SPARK_MASTERS", "x", "must be a whole number from 1 to 10, but it is 'x'", "1", "spark-worker"),
    config("SPARK_MASTERS", "1" * 10_000,
           f"must be a whole number from 1 to 10, but it is '{'1' * 40}…{'1' * 20} (10000 characters)'", "1"),
    config("LOG_LEVEL", "LOUD",
           "must be one of ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF, but it is 'LOUD'", "WARN", "pyspark"),
    config("SPARKSPACE_SECRET", "hunter2",
           "must be at least 16 printable ASCII characters without blanks (it has 7)", "$(openssl rand -hex 32)"),
    config("SPARKSPACE_SECRET", "hunter2 hunter2 hunter2",
           "must be at least 16 printable ASCII characters without blanks (it has 23)", "$(openssl rand -hex 32)"),
    config("SPARKSPACE_SECRET", "", "must be set: it is what keeps strangers out, but it is ''",
           "$(openssl rand -hex 32)", "spark-master"),
    config("SPARKSPACE_SECRET", "", "must be set: it is what keeps strangers out, but it is ''",
           "$(openssl rand -hex 32)", "spark-worker"),
    config("SPARK_ZK_ZOOKEEPER_URL", "10.1.1.1:2181",
           "must be zookeeper://host:port, several with a comma between, but it is '10.1.1.1:2181'", EXAMPLE),
    config("SPARKSPACE_ZOOKEEPERS", "2",
           "must be 0, 3, 5 or 7 (most of them have to run: 1 or 2 bear no loss, and 4 no more than 3), but it is '2'",
           "3", "zookeeper"),
    config("SPARKSPACE_ZOOKEEPERS", "", "must count this dyno, run.1, or a ZooKeeper there is of no use, but it is '0'",
           "3", "zookeeper"),
    config("SPARK_REVERSE_PROXY_URL", "spark.example.com",
           "must be an http:// or https:// URL with a host name, but it is 'spark.example.com'",
           "https://spark.example.com"),
    config("SPARK_S3_BUCKET_NAME", "My Bucket", "must be the name of an S3 bucket, but it is 'My Bucket'", "my-bucket"),
    config("SPARK_S3_AWS_SECRET_ACCESS_KEY", "",
           "must be set too when one of the SPARK_S3_… vars is", "…", "spark-shell"),
    config("SPARK_S3_AWS_SECRET_ACCESS_KEY", "hunter2 hunter2",
           "must be printable ASCII without blanks (it is not shown here)", "…"),
    config("SPARK_S3_AWS_REGION", "Ireland", "must be the name of an AWS region, but it is 'Ireland'", "us-east-1"),
    config("SPARKSPACE_S3_ENDPOINT", "//s3",
           "must be an http:// or https:// URL with a host name, but it is '//s3'", "https://s3.example.com"),
    config("SPARKSPACE_EVENT_LOG_DIR", "/tmp/events",
           "must be a Hadoop URL, but it is '/tmp/events'", "s3a://my-bucket/spark-events"),
    config("SPARKSPACE_CONF", "spark.ssl.keyPassword hunter2",
           "must be Spark properties, key=value per line or with ';' between; number 1 is none (it is not shown here)",
           "spark.sql.ansi.enabled=true"),
    config("SPARKSPACE_CONF", "spark.a=1; spark.ssl.keyPassword=x;hunter2=",
           "must be Spark properties, key=value per line or with ';' between; number 3 is none (it is not shown here)",
           "spark.sql.ansi.enabled=true", *SUBMIT),
    config("SPARKSPACE_CONF", "spark.a=\udcff", "must be text in UTF-8 (it is not shown here)", "…", *SUBMIT),
    config("SPARKSPACE_MASTER_APP", "my_cluster",
           "must be the name of a Heroku app of the same space, but it is 'my_cluster'", "my-spark-cluster"),
    config("SPACE_PROXY_BASIC_AUTH", "",
           "must be set: without a password the proxy would show the cluster to everybody, so it serves nothing",
           PLAIN, PROXY),
    config("SPACE_PROXY_BASIC_AUTH", "hunter2hunter2", USER, PLAIN),
    config("SPACE_PROXY_BASIC_AUTH", "spark:{PLAIN}hunter2 \nhunter2", USER, PLAIN),
    config("SPACE_PROXY_BASIC_AUTH", "spark:{PLAIN}space",
           "must not have the password of spark-in-space's README, which all know", PLAIN, PROXY),
    config("SPACE_PROXY_BASIC_AUTH", "spark:{SHA}CAPfT/FlCTPS/+a+BNSyFDITQlI=",
           "must not have the password of spark-in-space's README, which all know", PLAIN),
    config("SPACE_PROXY_BASIC_AUTH", "spark:$2y$99$hunter2hunter2hunter2",
           "has a hash that this system's crypt(3), which nginx asks, does not know", PLAIN, PROXY),
    config("SPACE_PROXY_DEFAULT_BACKEND", "master.1", f"{PAGES}, but it is 'master.1'",
           "1.master.APP.app.localspace:8080"),
    config("SPACE_PROXY_DEFAULT_BACKEND", "1.master.myapp.app.localspace:7077",
           f"{PAGES}, but it is '1.master.myapp.app.localspace:7077'", "1.master.APP.app.localspace:8080"),
    config("SPACE_PROXY_DEFAULT_BACKEND", "1.job.reports.app.localspace:4040",
           "must be a dyno of this app, or of one in SPARKSPACE_PROXY_APPS (myapp), "
           "but it is '1.job.reports.app.localspace:4040'", "1.master.myapp.app.localspace:8080", PROXY),
    Bad("a default of an app that is not among the others", "config",
        ("SPACE_PROXY_DEFAULT_BACKEND must be a dyno of this app, or of one in SPARKSPACE_PROXY_APPS "
         "(my-cluster, myapp, reports), but it is '1.job.other.app.localspace:4040'.",
         "Set it with: heroku config:set SPACE_PROXY_DEFAULT_BACKEND=1.master.myapp.app.localspace:8080"),
        {"SPACE_PROXY_DEFAULT_BACKEND": "1.job.other.app.localspace:4040", "SPARKSPACE_PROXY_APPS": "reports",
         "SPARKSPACE_MASTER_APP": "my-cluster"}, (PROXY,)),
    config("SPARKSPACE_PROXY_APPS", "reports other",
           "must be names of Heroku apps of the same space, with commas between, but it is 'reports other'",
           "my-jobs"),
    config("SPARKSPACE_EVENT_LOG_DAYS", "for ever",
           "must be a whole number from 1 to 36500, but it is 'for ever'", "30", HISTORY),
    config("SPARK_REVERSE_PROXY_URL", f"{WEB_URL}/a%20b", f"{SEGMENTS}, but it is '{WEB_URL}/a%20b'", WEB_URL),
    config("SPARK_REVERSE_PROXY_URL", f"{WEB_URL}/proxy", f"{BREAKS}, but it is '{WEB_URL}/proxy'", WEB_URL, PROXY),
    config("SPARK_REVERSE_PROXY_URL", f"{WEB_URL}/a/history/",
           f"{BREAKS}, but it is '{WEB_URL}/a/history'", WEB_URL, HISTORY),
    no_port(None),
    no_port("http"),
    no_port("65536"),
    Bad("an argument for space-proxy", "usage",
        ("space-proxy takes no arguments, but got '--port'.", "Config vars set it up: docs/config-vars.md"),
        {}, (PROXY, "--port", "80")),
    Bad("a proxy that is in no dyno", "platform",
        ("This is not a dyno: DYNO is not set.",
         "On a laptop, open a box first: bin/sparkspace up --detach",
         "Then run the command in it: bin/sparkspace run COMMAND"),
        {"DYNO": None}, (PROXY,)),
    Bad("an nginx that can't run", "launch",
        ("{tmp}/broken/nginx can't run: libcrypt.so.1: not there", NGINX), {"PATH": "{tmp}/broken:{path}"}, (PROXY,)),
    Bad("a history of nothing", "config",
        ("SPARKSPACE_EVENT_LOG_DIR must be set: it is what a history server reads, and applications write, "
         "but it is ''.",
         "Set it with: heroku config:set SPARKSPACE_EVENT_LOG_DIR=s3a://my-bucket/spark-events"),
        dict.fromkeys(S3), (HISTORY,)),
    Bad("a history in a bucket, and no client for it", "launch",
        ("The event logs are in s3a://my-bucket/spark-events, and this Spark has no client for S3 (hadoop-aws).",
         "Set SPARKSPACE_EVENT_LOG_DIR to a folder that this Spark can read, or scale history to 0."),
        {}, (HISTORY,)),
    Bad("a history without a secret", "config",
        ("SPARKSPACE_SECRET must be set: it is what keeps strangers out, but it is ''.",
         "Set it with: heroku config:set SPARKSPACE_SECRET=$(openssl rand -hex 32)"),
        {"SPARKSPACE_SECRET": ""}, (HISTORY,)),
    Bad("a misspelt var", "config",
        ("SPARK_EXECUTER_MEMORY is not a config var of this version.",
         "Did you mean SPARK_EXECUTOR_MEMORY? Remove it with: heroku config:unset SPARK_EXECUTER_MEMORY"),
        {"SPARK_EXECUTER_MEMORY": "4g"}),
    Bad("a var of no version", "config",
        ("SPARKSPACE_SECRETS is not a config var of this version.",
         "Did you mean SPARKSPACE_SECRET? Remove it with: heroku config:unset SPARKSPACE_SECRETS"),
        {"SPARKSPACE_SECRETS": "hunter2"}, ("spark-sql",)),
    Bad("a driver larger than its dyno", "config",
        ("SPARK_DRIVER_MEMORY must fit into this dyno of 1024 MB, but it is '2048m'.",
         "Set it with: heroku config:set SPARK_DRIVER_MEMORY=588m"),
        {"SPARK_DRIVER_MEMORY": "2g", "DYNO_RAM": "1024"}, SUBMIT),
    Bad("a dyno too small for a worker", "launch",
        ("A dyno of 1024 MB can't hold a Spark worker and an executor.",
         "Choose a larger size: heroku ps:type worker=Private-M   (a box: bin/sparkspace scale worker=2:Private-M)"),
        {"DYNO_RAM": "1024"}, ("spark-worker",)),
    Bad("not a dyno", "platform",
        ("This is not a dyno: DYNO is not set.",
         "On a laptop, open a box first: bin/sparkspace up --detach",
         "Then run the command in it: bin/sparkspace run COMMAND"),
        {"DYNO": None}),
    Bad("a dyno of the Common Runtime", "platform",
        ("HEROKU_PRIVATE_IP is not set: this dyno is not in a Private Space.",
         "Dynos of the Common Runtime can't reach each other. Create the app in a space: "
         "heroku create APP --space SPACE"),
        {"HEROKU_PRIVATE_IP": None}, ("spark-master",)),
    Bad("DNS service discovery is off", "platform",
        ("HEROKU_DNS_APP_NAME is not set: DNS service discovery is off for this app.",
         "Turn it on with: heroku features:enable spaces-dns-discovery -a APP && heroku restart -a APP"),
        {"HEROKU_DNS_APP_NAME": None}, SUBMIT),
    Bad("a dyno of a Fir-generation space", "platform",
        ("'web-5c8d9f7b4-x2x9p' is not the name of a dyno of a Cedar-generation space.",
         "Fir-generation spaces have no DNS service discovery: create a Cedar Private Space for the cluster."),
        {"DYNO": "web-5c8d9f7b4-x2x9p"}, ("console",)),
    Bad("no Java", "launch",
        ("There is no java on PATH.",
         "Install Java 17 or newer: scripts/setup   (on Heroku: heroku buildpacks:add heroku/jvm, and "
         "java.runtime.version=17 in system.properties)"),
        {"JAVA_HOME": None, "PATH": "{tmp}/tools"}, ("spark-master",)),
    Bad("JAVA_HOME without Java", "launch",
        ("JAVA_HOME is '/nonexistent', but it has no bin/java.",
         "Install Java 17 or newer: scripts/setup   (on Heroku: heroku buildpacks:add heroku/jvm, and "
         "java.runtime.version=17 in system.properties)"),
        {"JAVA_HOME": "/nonexistent"}, ("spark-worker",)),
    Bad("a Java that is too old", "launch",
        ("Java 17 or newer is needed, but {tmp}/java8 is Java 8.", "scripts/setup"),
        {"JAVA_HOME": "{tmp}/java8"}, ("spark-master",)),
    Bad("SPARK_HOME without Spark", "launch",
        ("SPARK_HOME is '{tmp}', but there is no bin/spark-class.", "Unset it, or mend it."),
        {"SPARK_HOME": "{tmp}"}, ("spark-master",)),
    Bad("a folder for events that can't be made", "launch",
        ("Can't make the folder of SPARKSPACE_EVENT_LOG_DIR, file:{tmp}/java8/release/x: Not a directory.",),
        {"SPARKSPACE_EVENT_LOG_DIR": "file:{tmp}/java8/release/x"}, SUBMIT),
    Bad("a folder for conf files that is another's", "launch",
        ("{tmp}/taken/sparkspace-conf-{uid} belongs to somebody else.",
         "Remove it, or set TMPDIR: rm -r {tmp}/taken/sparkspace-conf-{uid}"),
        {"TMPDIR": "{tmp}/taken"}, ("spark-master",)),
    Bad("an argument for master-url", "usage",
        ("bin/master-url takes no arguments, but got '--json'.",), {}, ("master-url", "--json")),
    Bad("an unknown command", "usage",
        ("'statsu' is not a sparkspace command. Did you mean status?", "See them all with: bin/sparkspace help"),
        {}, ("sparkspace", "statsu")),
    Bad("a command like no other", "usage",
        ("'éé' is not a sparkspace command.", "See them all with: bin/sparkspace help"), {}, ("sparkspace", "éé")),
    Bad("an unknown option", "usage",
        ("bin/sparkspace status: unrecognized arguments: --jsno", "See: bin/sparkspace status --help"),
        {}, ("sparkspace", "status", "--jsno")),
    Bad("a number that is none", "usage",
        ("bin/sparkspace wait: argument --workers: 'two' must be a whole number of at least 0",
         "See: bin/sparkspace wait --help"),
        {}, ("sparkspace", "wait", "--workers", "two")),
    Bad("a command to run is missing", "usage",
        ("bin/sparkspace run: a command is missing", "See: bin/sparkspace run --help"), {}, ("sparkspace", "run")),
    Bad("a file in place of ours, on a Spark that reads one", "usage",
        ("Spark 3.5.9 would read the file of --properties-file in place of the cluster's own, and find no cluster.",
         "Give its lines as --conf KEY=VALUE, or set them for all drivers: SPARKSPACE_CONF"),
        {"SPARK_HOME": "{tmp}/spark-3.5"}, ("spark-submit", "-v", "--name", "x", "--properties-file=y", "job.py")),
    Bad("no master for the time of a wait", "master-unreachable",
        ("No master is ALIVE after 1 s: http://1.master.myapp.app.localspace:8080 is DOWN (its name does not resolve).",
         "Look at the dynos and what they log: heroku ps, heroku logs --ps master   (in a box: bin/sparkspace ps, …)"),
        {}, ("sparkspace", "wait", "--timeout", "1")),
    Bad("a doctor without a master", "check-failed",
        ("The name 1.master.myapp.app.localspace does not resolve: {unresolved}.",
         "Is there such a dyno? heroku ps   (SPARK_MASTERS is 1; a new name lags)"),
        {"SPARK_HOME": "{tmp}/spark-with-jars"}, ("sparkspace", "doctor")),
    Bad("a picture of no start", "usage",
        ("bin/sparkspace doctor: --svg and --json belong to --timing", "See: bin/sparkspace doctor --help"),
        {}, ("sparkspace", "doctor", "--svg", "x")),
    Bad("two things on one stdout", "usage",
        ("bin/sparkspace doctor: --json and --svg - would both be on stdout", "See: bin/sparkspace doctor --help"),
        {}, ("sparkspace", "doctor", "--timing", "--json", "--svg", "-")),
    Bad("no app in this folder", "box",
        ("There is no Procfile in {tmp}/poison, nor above it.", "Go to the folder of the app, and try again."),
        {"DYNO": None}, ("sparkspace", "ps")),
]
# fmt: on
EXIT_CODES = {
    "usage": 64,
    "master-unreachable": 69,
    "check-failed": 70,
    "platform": 71,
    "launch": 72,
    "box": 73,
    "config": 78,
}  # fmt: skip


def prepare(tmp: Path) -> None:
    """What the cases need in their folder."""
    (tmp / "taken").mkdir()
    (tmp / "taken" / f"sparkspace-conf-{os.getuid()}").symlink_to(tmp)
    launchers.fake_java(tmp / "java8", "1.8.0_412")
    launchers.fake_spark(tmp / "spark-with-jars", "9.9.9")
    launchers.fake_spark(tmp / "spark-3.5", "3.5.9")
    launchers.only_tools(tmp / "tools")
    (tmp / "broken").mkdir()
    (tmp / "broken" / "nginx").write_text("#!/bin/sh\necho libcrypt.so.1: not there >&2\nexit 127\n")
    (tmp / "broken" / "nginx").chmod(0o755)


@functools.cache
def unresolved() -> str:
    """How this machine says that a name does not resolve: with and without a network, it differs."""
    with pytest.raises(OSError) as caught:
        socket.gethostbyname("1.master.myapp.app.localspace")
    return str(caught.value.strerror)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_bad_input(bad: Bad, dyno: dict[str, str], tmp_path: Path) -> None:
    facts = {"{tmp}": str(tmp_path), "{uid}": str(os.getuid()), "{unresolved}": unresolved(), "{path}": dyno["PATH"]}

    def filled(text: str) -> str:
        return re.sub(r"\{(tmp|uid|unresolved|path)\}", lambda match: facts[match[0]], text)

    prepare(tmp_path)
    env = {**dyno, **S3, "SPACE_PROXY_BASIC_AUTH": PASSWORD}
    env |= {name: filled(value) for name, value in bad.env.items() if value is not None}
    for name in (name for name, value in bad.env.items() if value is None):
        env.pop(name, None)
    ended = launchers.run(*bad.command, env=env, cwd=tmp_path / "poison")
    at = ended.lines.index(f"sparkspace at=fatal reason={bad.reason}")
    assert ended.lines[at + 1 :] == [f" !     {filled(line)}" for line in bad.said]
    assert [line for line in ended.lines[:at] if not line.startswith("sparkspace at=")] == []
    assert ended.code == EXIT_CODES[bad.reason]
    if bad.command != ("sparkspace", "doctor"):
        assert ended.stdout == ""
    assert [secret for secret in (*SECRETS, "hunter2") if secret in ended.stdout + ended.stderr] == []


@pytest.mark.skipif(Path("/usr/sbin/nginx").exists(), reason="this system has an nginx that can't be looked away")
def test_no_nginx(dyno: dict[str, str], tmp_path: Path) -> None:
    """A copy of the project, so that what scripts/setup put beside our Python packages is not there."""
    for name in ("bin", "conf-templates", "sparkspace"):
        shutil.copytree(launchers.ROOT / name, tmp_path / "app" / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join(each for each in dyno["PATH"].split(os.pathsep) if not Path(each, "nginx").exists())
    env = {**dyno, "PATH": path, "SPACE_PROXY_BASIC_AUTH": PASSWORD, "PORT": "5000"}
    ended = launchers.run(str(tmp_path / "app" / "bin" / PROXY), env=env)
    assert ended.lines == [
        "sparkspace at=fatal reason=launch",
        " !     nginx is not installed, and the web process is made of it.",
        f" !     {NGINX}",
    ]
    assert (ended.code, ended.stdout) == (EXIT_CODES["launch"], "")


def test_nothing_is_left_of_a_proxy_that_did_not_start(dyno: dict[str, str]) -> None:
    assert launchers.run(PROXY, env={**dyno, "SPACE_PROXY_BASIC_AUTH": PASSWORD}).code == EXIT_CODES["platform"]
    assert list(Path(dyno["TMPDIR"]).glob("sparkspace-*")) == []
