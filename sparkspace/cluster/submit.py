"""The JVM of a driver: what Spark's ``bin/spark-submit`` would become, without the JVM that it asks for the command.

See ``org.apache.spark.launcher.SparkSubmitCommandBuilder``. Here is what drivers are usually started with. Where
anything else is said, the answer is empty, and Spark's own script has its turn.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import archive
from . import flags, jvm

SUBMIT_CLASS = "org.apache.spark.deploy.SparkSubmit"
MEMORY, CLASS_PATH = "spark.driver.memory", "spark.driver.extraClassPath"
DEFAULT_OPTIONS, OPTIONS = "spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions"
CONF = ("--conf", "-c")
# Flags of the driver's JVM, and the properties as which the launcher hands them on.
PROPERTIES = {"--driver-memory": MEMORY, "--driver-class-path": CLASS_PATH, "--driver-java-options": OPTIONS}
USUAL = {
    *PROPERTIES, *CONF, "--archives", "--class", "--driver-cores", "--exclude-packages", "--executor-cores",
    "--executor-memory", "--files", "--jars", "--load-spark-defaults", "--master", "--name", "--num-executors",
    "--packages", "--py-files", "--queue", "--repositories", "--total-executor-cores", "--verbose", "-v",
}  # fmt: skip
# Where these are set it is another command, or in another place.
UNUSUAL = {
    "spark.submit.deployMode", "spark.remote", "spark.api.mode", "spark.driver.extraLibraryPath",
    "spark.driver.defaultExtraClassPath",
}  # fmt: skip
VARIABLES = (*jvm.OTHERS, "SPARK_LAUNCHER_OPTS", "SPARK_PRINT_LAUNCH_COMMAND", "SPARK_REMOTE", "SPARK_CONNECT_MODE")
COMMANDS = ("run-example", "pyspark-shell-main", "sparkr-shell-main")  # what the launcher takes for no program
# For some of Spark's classes the launcher reads flags in another way. Not for those of shells, in bin/spark-shell.
SPARKS_OWN, SHELLS = "org.apache.spark.", "org.apache.spark.repl."
# What bin/spark-shell says before its user's words, and after them.
SHELL, SHELL_PROGRAM = ("--class", "org.apache.spark.repl.Main", "--name", "Spark shell"), "spark-shell"
NO_STRANGERS = "-Dderby.connection.requireAuthentication=false"  # so has Spark it, for Hive's own store

# What the launcher reads in another way than a shell does (CommandBuilderUtils.parseOptionString).
_OTHERWISE = re.compile(r"\\|[^\S \t\n]")

Given = list[tuple[str, str]]


@dataclass(frozen=True)
class Submit:
    """Commands of drivers on a Spark.

    Args:
        home: ``SPARK_HOME``.
        found: its archive, with the options of Spark's launcher.
        env: a driver's, with ``JAVA_HOME``.
        defaults: what its ``spark-defaults.conf`` sets.
    """

    home: Path
    found: archive.Archive
    env: Mapping[str, str]
    defaults: Mapping[str, str]

    def command(self, name: str, args: Sequence[str]) -> tuple[str, ...]:
        """What ``bin/spark-submit``, or ``bin/spark-shell``, becomes with these arguments; empty: its script knows."""
        given, program = flags.split(args)
        main = [value for flag, value in given if flag == "--class" and value.startswith(SPARKS_OWN)]
        if name == "spark-shell" and not program and all(value.startswith(SHELLS) for value in main):
            return self._java([*flags.split(SHELL)[0], *given], [SHELL_PROGRAM])
        is_known = name == "spark-submit" and program and program[0] not in COMMANDS and not main
        return self._java(given, program) if is_known else ()

    def _java(self, given: Given, program: list[str]) -> tuple[str, ...]:
        if not self.found.launcher or any(map(self.env.get, VARIABLES)) or not _is_usual(given, program):
            return ()
        properties = {**self.defaults, **_properties(given)}
        options = _options(self.env, properties)
        if not options or properties.keys() & UNUSUAL:
            return ()
        java = (f"{self.env['JAVA_HOME']}/bin/java", "-cp", self._class_path(properties), *options)
        handed_on = [word for name, value in given for word in _handed_on(name, value)]
        return (*java, *self.found.launcher, NO_STRANGERS, SUBMIT_CLASS, *handed_on, *program)

    def _class_path(self, properties: Mapping[str, str]) -> str:
        first = filter(None, properties.get(CLASS_PATH, "").split(os.pathsep))
        with_slash = (f"{entry.rstrip('/')}/" if os.path.isdir(entry) else entry for entry in first)
        logging = map(str, self.home.glob("jars/slf4j-api-*.jar"))  # before all others (SPARK-47491)
        return os.pathsep.join((*with_slash, f"{jvm.CONF_DIR}/", *logging, f"{self.home}/jars/*"))


def exported(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """What Spark's script of this name exports, besides what all of them do (``jvm.exported``)."""
    if name != "spark-shell":
        return {"PYTHONHASHSEED": "0"}
    options = f"{env.get('SPARK_SUBMIT_OPTS', '')} -Dscala.usejavacp=true"
    return {"PYTHONHASHSEED": "0", "SPARK_SCALA_SHELL": "1", "SPARK_SUBMIT_OPTS": options}


def _is_usual(given: Given, program: Sequence[str]) -> bool:
    """Whether the launcher takes these flags, and hands them on as they are: bin/spark-class takes CRs away."""
    whole = all(name in flags.SWITCHES or ("=" in value if name in CONF else value) for name, value in given)
    words = (*(value for _, value in given), *program)
    return whole and all(name in USUAL for name, _ in given) and not any("\r" in word for word in words)


def _properties(given: Given) -> dict[str, str]:
    """What a user sets: of two, the later counts."""
    pairs = (_handed_on(name, value)[1] for name, value in given if name in PROPERTIES or name in CONF)
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _handed_on(name: str, value: str) -> tuple[str, ...]:
    """A flag as the launcher hands it on."""
    if name in PROPERTIES:
        return (CONF[0], f"{PROPERTIES[name]}={value}")
    return (name,) if name in flags.SWITCHES else (name, value)


def _options(env: Mapping[str, str], properties: Mapping[str, str]) -> list[str]:
    """A driver's options for Java; empty: the launcher would refuse them, or read them in another way."""
    texts = env.get("SPARK_SUBMIT_OPTS", ""), properties.get(DEFAULT_OPTIONS, ""), properties.get(OPTIONS, "")
    if any(map(_OTHERWISE.search, texts)):
        return []
    try:
        first, *others = map(shlex.split, texts)
    except ValueError:  # a quote that is not closed
        return []
    after = [word for words in others for word in words]
    is_refused = any(word.startswith("-Xmx") for word in after)  # it says to set the memory by its flag
    return [] if is_refused or not properties.get(MEMORY) else [*first, f"-Xmx{properties[MEMORY]}", *after]
