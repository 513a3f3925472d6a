"""Becoming another program: what a child inherits, where Spark and Java are, and the package's only exec."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from .errors import LaunchError
from .log import event

LEAST_JAVA = 17

# What the launchers compute themselves. A value of the operator's would contradict it, and Spark would take it.
COMPUTED = (
    "SPARK_CONF_DIR",
    "SPARK_ENV_LOADED",
    "SPARK_LOCAL_IP",
    "SPARK_LOCAL_HOSTNAME",
    "SPARK_MASTER_HOST",
    "SPARK_MASTER_PORT",
    "SPARK_MASTER_WEBUI_PORT",
    "SPARK_MASTER_OPTS",
    "SPARK_WORKER_HOST",
    "SPARK_WORKER_PORT",
    "SPARK_WORKER_WEBUI_PORT",
    "SPARK_PUBLIC_DNS",
    "_SPARK_AUTH_SECRET",
)
# PYTHONHOME is what heroku-buildpack-python exports for its own Python, and what would break any other. The token is
# for the launcher: no job needs it in the environment of its executors.
PLATFORM_ONLY = ("PYTHONHOME", "SPARK_HEROKU_ACCESS_TOKEN")
# What heroku-buildpack-jvm-common puts into JAVA_TOOL_OPTIONS, which every JVM of the dyno obeys: each one without an
# -Xmx of its own would take 80 % of the dyno.
_PLATFORM_JAVA = re.compile(
    r"-Dfile\.encoding=UTF-8|-Xm[sx]\w+|-XX:MaxRAM=\w+|-XX:MaxRAMPercentage=[\d.]+|-XX:CICompilerCount=\d+"
)


@dataclass(frozen=True)
class Command:
    """A program to become: absolute path and arguments, and its whole environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)


def inherited(env: Mapping[str, str]) -> dict[str, str]:
    """The environment a Spark process may inherit: all of ``env`` but what would contradict or break it."""
    dropped = [name for name in COMPUTED if name in env]
    if dropped:
        event("ignored", vars=",".join(dropped), reason="computed-by-sparkspace")
    child = {name: value for name, value in env.items() if name not in COMPUTED + PLATFORM_ONLY}
    options = [word for word in child.pop("JAVA_TOOL_OPTIONS", "").split() if not _PLATFORM_JAVA.fullmatch(word)]
    if options:
        child["JAVA_TOOL_OPTIONS"] = " ".join(options)
    path = [entry for entry in child.pop("PYTHONPATH", "").split(os.pathsep) if entry and os.path.exists(entry)]
    if path:
        child["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path))
    return child


def spark_home(env: Mapping[str, str]) -> Path:
    """Where Spark is: ``SPARK_HOME`` if the operator set it, else the installed ``pyspark`` package.

    Raises:
        LaunchError: there is no Spark there.
    """
    named = env.get("SPARK_HOME", "")
    spec = None if named else importlib.util.find_spec("pyspark")
    home = Path(named) if named else Path(spec.origin).parent if spec and spec.origin else None
    if home is None:
        raise LaunchError(
            f"The package pyspark is not installed for {sys.executable}.",
            "Install everything with: scripts/setup   (on Heroku the build does it: docs/operations.md)",
        )
    if not (home / "bin" / "spark-class").is_file():
        raise LaunchError(f"SPARK_HOME is {str(home)!r}, but there is no bin/spark-class.", "Unset it, or mend it.")
    return home


def spark_version(home: Path) -> str:
    """The version in the name of Spark's core jar: the one file that every distribution has.

    Raises:
        LaunchError: there is none, or more than one.
    """
    return _core(home).split("-", 2)[2]


def scala_version(home: Path) -> str:
    """The version of Scala that Spark was compiled with, ``2.13`` or ``2.12``, in the name of the same jar.

    Raises:
        LaunchError: there is none, or more than one.
    """
    return _core(home).partition("_")[2].partition("-")[0]


def _core(home: Path) -> str:
    jars = list((home / "jars").glob("spark-core_*.jar"))
    if len(jars) != 1:
        raise LaunchError(
            f"{home}/jars has {len(jars)} files spark-core_*.jar, but must have one.", "Install Spark anew."
        )
    return jars[0].stem


def has_jar(env: Mapping[str, str], name: str) -> bool:
    """Whether Spark has a jar whose name matches.

    Raises:
        LaunchError: there is no Spark.
    """
    return any((spark_home(env) / "jars").glob(name))


def java_home(env: Mapping[str, str]) -> Path:
    """The Java to run Spark on: ``JAVA_HOME``, else the ``java`` on ``PATH``.

    Raises:
        LaunchError: there is none, or it is older than Spark 4 can use. (Spark 3.5 could, but is not tested with it.)
    """
    named = env.get("JAVA_HOME", "")
    program = shutil.which("java", path=f"{named}/bin" if named else env.get("PATH"))
    if program is None:
        where = f"JAVA_HOME is {named!r}, but it has no bin/java" if named else "There is no java on PATH"
        raise LaunchError(
            f"{where}.",
            f"Install Java {LEAST_JAVA} or newer: scripts/setup   (on Heroku: heroku buildpacks:add heroku/jvm, and "
            "java.runtime.version=17 in system.properties)",
        )
    home = Path(named) if named else Path(os.path.realpath(program)).parent.parent
    version = java_version(home)
    if version and version < LEAST_JAVA:
        raise LaunchError(f"Java {LEAST_JAVA} or newer is needed, but {home} is Java {version}.", "scripts/setup")
    return home


def java_version(home: Path) -> int:
    """The feature version (17, 21, …) that the JDK's own ``release`` file names; 0 when it has none."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return 0
    match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    return int(match[1]) if match else 0


@dataclass(frozen=True)
class Outcome:
    """How a program ended. When its time was up, ``code`` is None and ``late`` what was found before it was ended."""

    code: int | None
    stdout: str
    stderr: str
    late: str = ""


def run(command: Command, timeout_s: float, diagnose: Callable[[], str]) -> Outcome:
    """Run a program to its end, or for so long. Nothing of it is left, also after Ctrl-C.

    ``diagnose`` is called when the time is up, while the program still runs.

    Raises:
        LaunchError: it is missing or can't run.
    """
    try:
        process = subprocess.Popen(
            command.argv, env=command.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise LaunchError(f"Can't run {command.argv[0]}: {error.strerror}.") from error
    with process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
            return Outcome(process.returncode, stdout, stderr)
        except subprocess.TimeoutExpired:
            late = diagnose()
            _kill_group(process.pid)
            stdout, stderr = process.communicate()
            return Outcome(None, stdout, stderr, late)
        finally:
            _kill_group(process.pid)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def become(command: Command) -> NoReturn:
    """Replace this process with ``command``. The package's only exec.

    Raises:
        LaunchError: the program is missing or can't run.
    """
    program = command.argv[0]
    # bin/spark-submit and Spark's own share a name: a search of PATH could find ourselves, for ever.
    if not os.path.isabs(program):
        raise LaunchError(f"Refusing to look up {program!r} on PATH.")
    sys.stdout.flush()  # exec drops what Python has buffered
    sys.stderr.flush()
    try:
        os.execve(program, command.argv, dict(command.env))
    except OSError as error:
        raise LaunchError(f"Can't run {program}: {error.strerror}.") from error
