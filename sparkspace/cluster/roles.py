"""What each Spark process is: its conf files and the command to become. Nothing here acts."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import archive, conf, launch, ports, sizing, topology
from ..config import Dyno, Settings
from ..errors import ConfigError, LaunchError
from . import flags, jvm, submit

MASTER_CLASS = "org.apache.spark.deploy.master.Master"
WORKER_CLASS = "org.apache.spark.deploy.worker.Worker"
HISTORY_CLASS = "org.apache.spark.deploy.history.HistoryServer"
ZOOKEEPER_CLASS = "org.apache.spark.sparkspace.Ensemble"  # jvm/main/Ensemble.scala
# A folder from which drivers and executors can import sparkspace, and nothing else that lies beside it.
PYTHON = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "code", "python")
SHELL_CLASS = "org.apache.spark.repl.HotShell"  # jvm/main/HotShell.scala
OUR_JAR = "sparkspace-jvm.jar"  # what the build makes of jvm/ (buildpack/scala.py)


@dataclass(frozen=True)
class Place:
    """Where a Spark process is to run, and by which settings: all that is known before it starts."""

    env: Mapping[str, str]
    dyno: Dyno
    settings: Settings
    capacity: sizing.Capacity

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Place:
        """Read the dyno and its settings from ``env``, and measure it.

        Raises:
            PlatformError, ConfigError: see ``Dyno.from_env`` and ``Settings.from_env``.
        """
        settings = Settings.from_env(env)
        return cls(env, Dyno.from_env(env), settings, sizing.capacity(env))


@dataclass(frozen=True)
class Launch:
    """A Spark process to be: conf files to write, and how to become it once their folder is known."""

    files: Mapping[str, str]
    argv: tuple[str, ...]
    env: Mapping[str, str]

    def command(self, conf_dir: Path) -> launch.Command:
        """The command, with the conf folder in its environment."""
        argv = tuple(word.replace(jvm.CONF_DIR, str(conf_dir)) for word in self.argv)
        return launch.Command(argv, {**self.env, "SPARK_CONF_DIR": str(conf_dir)})


def master(place: Place, args: list[str]) -> Launch:
    """The Spark master of this dyno. ``args`` are handed to Spark."""
    listening = ["--port", str(ports.MASTER), "--webui-port", str(ports.MASTER_UI)]
    return _daemon(place, [MASTER_CLASS, "--host", place.dyno.private_ip, *listening, *args], f"{_heap_mb(place)}m")


def worker(place: Place, args: list[str]) -> Launch:
    """The Spark worker of this dyno, offering what the dyno can give unless the operator said otherwise.

    Raises:
        LaunchError: the dyno is too small.
    """
    cores = place.env.get("SPARK_WORKER_CORES") or str(place.capacity.cores)
    memory = place.env.get("SPARK_WORKER_MEMORY") or f"{sizing.worker_memory_mb(place.capacity)}m"
    offer = ["--cores", cores, "--memory", memory, "--webui-port", str(ports.WORKER_UI)]
    url = topology.master_url(place.dyno, place.settings)
    return _daemon(place, [WORKER_CLASS, "--host", place.dyno.private_ip, *offer, *args, url], sizing.DAEMON_HEAP)


def history(place: Place, args: list[str]) -> Launch:
    """Spark's history server, over the cluster's event logs. ``args`` are handed to Spark.

    Raises:
        ConfigError: nobody said where event logs are.
    """
    if not place.settings.event_log_dir:
        raise ConfigError(
            "SPARKSPACE_EVENT_LOG_DIR",
            "must be set: it is what a history server reads, and applications write",
            "",
            "s3a://my-bucket/spark-events",
        )
    return _daemon(place, [HISTORY_CLASS, *args], f"{_heap_mb(place)}m", "history")


def zookeeper(place: Place, data: Path) -> Launch:
    """The ZooKeeper of this dyno, which keeps what it has to keep in the folder ``data``.

    By Java itself: Spark's ``spark-class`` knows the options of Spark's own daemons only.
    """
    home = launch.spark_home(place.env)
    env = _environment(place, home)
    heap = env.get("SPARK_DAEMON_MEMORY") or f"{_heap_mb(place)}m"
    found = _archive(place, "daemon")
    options = ["-XX:+ExitOnOutOfMemoryError", *shlex.split(_options(place, found, ZOOKEEPER_CLASS))]
    class_path = os.pathsep.join(filter(None, [found.class_path, jvm.rest(home, found)]))
    java = [f"{env['JAVA_HOME']}/bin/java", f"-Xmx{heap}", *options, "-cp", class_path]
    hosts = topology.zookeeper_hosts(place.dyno, place.settings)
    files = conf.zookeeper(place.dyno, place.settings, hosts, data)
    return Launch(files, (*java, ZOOKEEPER_CLASS), env)


def refuse_missing_jar(env: Mapping[str, str]) -> None:
    """What our own ensemble needs is compiled by the build: a Spark of the operator's has it not.

    Raises:
        LaunchError: it is not there.
    """
    if not launch.has_jar(env, OUR_JAR):
        raise LaunchError(f"{launch.spark_home(env)}/jars has no {OUR_JAR}.", "Unset SPARK_HOME, or run scripts/setup.")


def client(place: Place, name: str, args: list[str], executor: sizing.Executor) -> Launch:
    """Spark's own script ``name``, or what it would become, with this cluster as its default.

    The user's flags win, by Spark's own rules.

    Raises:
        LaunchError, UsageError: see ``flags.given``.
    """
    home = launch.spark_home(place.env)
    argv = (str(home / "bin" / name), *_shell(place, name, args), *flags.given(home, args))
    env = driver_environment(place)
    if name == "pyspark":
        env["_SPARKSPACE_PYTHONSTARTUP"] = env.get("PYTHONSTARTUP", "")
        env["PYTHONSTARTUP"] = os.path.join(PYTHON, "sparkspace_startup.py")
    scripted = Launch(driver_conf(place, executor), argv, env)
    return _direct(place, name, scripted) or scripted


def _direct(place: Place, name: str, scripted: Launch) -> Launch | None:
    """The JVM that a script of Spark's would become in the end; None: only the script knows."""
    home = launch.spark_home(place.env)
    env = {**scripted.env, **jvm.exported(home), **submit.exported(name, scripted.env)}
    defaults = conf.properties(scripted.files["spark-defaults.conf"])
    argv = submit.Submit(home, _archive(place), env, defaults).command(name, scripted.argv[1:])
    return Launch(scripted.files, argv, env) if argv else None


def driver_environment(place: Place) -> dict[str, str]:
    """What a driver of this dyno sees, but for where its conf files are.

    Raises:
        ConfigError: the cluster has no secret.
        LaunchError: there is no Spark, or no Java.
    """
    # The master shows the driver's page to people, and finds it: a one-off dyno may have no name.
    env = {**_environment(place, launch.spark_home(place.env)), "SPARK_PUBLIC_DNS": place.dyno.private_ip}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [env.get("PYTHONPATH"), PYTHON]))
    return env


def _shell(place: Place, name: str, args: list[str]) -> tuple[str, ...]:
    """What makes Spark's shell ours. Of two classes spark-submit takes the last: a user's own flag still wins."""
    is_ours = name == "spark-shell" and launch.has_jar(place.env, OUR_JAR)
    is_remote = any(word.partition("=")[0] == "--remote" for word in args)
    return ("--class", SHELL_CLASS) if is_ours and not is_remote else ()


def driver_conf(place: Place, executor: sizing.Executor) -> dict[str, str]:
    """A driver's rendered conf files, name → text.

    Raises:
        ConfigError: the operator wants a driver that this dyno can't hold.
    """
    driver_mb = sizing.driver_memory_mb(place.settings, place.capacity)
    return conf.render(_values(place, "driver", driver_mb, executor, _archive(place)))


def daemon_conf(place: Place, role: conf.Role = "daemon") -> dict[str, str]:
    """The rendered conf files, name → text, of a master or worker, or of the history server."""
    return conf.render(_values(place, role))


def _values(
    place: Place,
    role: conf.Role,
    driver_memory_mb: int = 0,
    executor: sizing.Executor = sizing.Executor(0),  # noqa: B008 (it is frozen)
    class_archive: archive.Archive = archive.NONE,  # a daemon's is in its environment
) -> conf.Values:
    return conf.Values(
        role=role,
        dyno=place.dyno,
        settings=place.settings,
        master_url=topology.master_url(place.dyno, place.settings),
        master_app_domain=topology.master_app_domain(place.dyno, place.settings),
        zookeeper_url=topology.zookeeper_url(place.dyno, place.settings),
        driver_memory_mb=driver_memory_mb,
        executor_memory_mb=executor.memory_mb,
        executor_cores=executor.cores,
        class_archive=class_archive,
        recovery_dir=recovery_dir(place),
        our_jar=launch.has_jar(place.env, OUR_JAR),
        shuffle_port=_shuffle_port(place.dyno),
        fallback=_fallback(place),
        magic_committer=launch.has_jar(place.env, "spark-hadoop-cloud_*.jar"),
    )


def _archive(place: Place, kind: archive.Kind = "application") -> archive.Archive:
    return archive.find(launch.spark_home(place.env), launch.java_home(place.env), kind)


def recovery_dir(place: Place) -> str:
    """The folder in which the master of this dyno keeps its state, a Hadoop URL; empty: it has none."""
    folder = place.settings.recovery_dir.rstrip("/")
    return "" if lack_of_recovery(place) else f"{folder}/{place.dyno.app_domain}"


def lack_of_recovery(place: Place) -> str:
    """Why the master of this dyno keeps no state in a folder, in a word or two; empty: it does.

    Only the one dyno that the master URL names may: masters of one folder depose each other.
    """
    settings, folder = place.settings, place.settings.recovery_dir
    reasons = {
        "spark.deploy.recoveryMode-is-set": any(key == "spark.deploy.recoveryMode" for key, _ in settings.extra_conf),
        "ZooKeeper": settings.has_zookeeper,
        "no-folder": not folder,
        "several-masters-without-ZooKeeper": settings.masters > 1,
        "another-master-is-dialled": topology.master_hosts(place.dyno, settings) != [place.dyno.dns_name],
        f"no-{OUR_JAR}": not launch.has_jar(place.env, OUR_JAR),
        "no-client-for-S3": folder.startswith("s3") and not launch.has_jar(place.env, "hadoop-aws-*.jar"),
    }
    return next((reason for reason, is_so in reasons.items() if is_so), "")


def _shuffle_port(dyno: Dyno) -> int:
    """Where a Worker serves shuffle files: the same everywhere, but on a machine that is all dynos of a box at once.

    Spark's service listens at every address (``ExternalShuffleService.start``), so there each takes one that is free.
    """
    if not dyno.private_ip.startswith("127."):
        return ports.SHUFFLE_SERVICE
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _fallback(place: Place) -> str:
    """A folder of the bucket, if this Spark can write there: with a path that it can't, no block would move at all."""
    s3 = place.settings.s3
    return f"s3a://{s3.bucket}/spark-fallback/" if s3 and launch.has_jar(place.env, "hadoop-aws-*.jar") else ""


def _heap_mb(place: Place) -> int:
    """The heap of a daemon that has its dyno for itself."""
    return max(384, min(1024, place.capacity.memory_mb * 2 // 5))


def _daemon(place: Place, spark_class: list[str], heap: str, role: conf.Role = "daemon") -> Launch:
    home = launch.spark_home(place.env)
    env = _environment(place, home)
    env.setdefault("SPARK_DAEMON_MEMORY", heap)
    found = _archive(place, "application" if role == "history" else "daemon")
    if found.class_path:
        env["SPARK_DAEMON_CLASSPATH"] = os.pathsep.join(
            filter(None, [found.class_path, env.get("SPARK_DAEMON_CLASSPATH")])
        )
    env["SPARK_DAEMON_JAVA_OPTS"] = _options(place, found, spark_class[0])
    env.update(jvm.exported(home))
    return Launch(daemon_conf(place, role), jvm.command(home, found, env, spark_class), env)


def _options(place: Place, found: archive.Archive, main: str) -> str:
    """The options of a daemon's JVM; the operator's come last."""
    options = [
        conf.JAVA_OPTIONS,
        found.options,
        f"-Djava.io.tmpdir={tempfile.gettempdir()}",
        _small(place, main),
        place.env.get("SPARK_DAEMON_JAVA_OPTS", ""),
    ]
    return " ".join(filter(None, options))


def _small(place: Place, main: str) -> str:
    """A history server is not small: it reads logs of any size."""
    serves = main == WORKER_CLASS and place.settings.serves_shuffles
    return "" if main == HISTORY_CLASS else jvm.small(place.env, main, serves)


def _environment(place: Place, home: Path) -> dict[str, str]:
    """What a Spark process of this dyno sees: what it may inherit, who it is, and the secrets, which go no other way.

    Raises:
        ConfigError: the cluster has no secret.
    """
    if not place.settings.secret:
        raise ConfigError(
            "SPARKSPACE_SECRET", "must be set: it is what keeps strangers out", "", "$(openssl rand -hex 32)"
        )
    temporary = tempfile.gettempdir()
    env = launch.inherited(place.env)
    env.setdefault("SPARK_LOCAL_DIRS", os.path.join(temporary, "spark"))
    env.setdefault("SPARK_WORKER_DIR", os.path.join(temporary, "spark-work"))
    env.setdefault("PYSPARK_PYTHON", sys.executable)
    env.update(
        JAVA_HOME=str(launch.java_home(place.env)),
        SPARK_HOME=str(home),
        SPARK_LOCAL_IP=place.dyno.private_ip,
        SPARK_PUBLIC_DNS=place.dyno.dns_name,
        _SPARK_AUTH_SECRET=place.settings.secret,
    )
    if place.settings.s3:
        env.pop("AWS_SESSION_TOKEN", None)  # it would be that of other keys
        env.update(
            AWS_ACCESS_KEY_ID=place.settings.s3.access_key_id,
            AWS_SECRET_ACCESS_KEY=place.settings.s3.secret_access_key,
            AWS_REGION=place.settings.s3.region,
        )
    return env
