"""The flags that Spark's own scripts are given: the cluster's conf file is read, whatever else the user has read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .. import launch
from ..errors import UsageError

THEIRS = "--properties-file"
# Those of spark-submit that take no value (SparkSubmitOptionParser.switches); all others take one.
SWITCHES = ("--help", "-h", "--load-spark-defaults", "--supervise", "--usage-error", "--verbose", "-v", "--version")
ONE_WORD = re.compile(r"(--[^=]+)=(.+)")  # a flag with its value (SparkSubmitOptionParser.eqSeparatedOpt)


def given(home: Path, args: list[str]) -> tuple[str, ...]:
    """``args``, and what keeps a user's ``--properties-file`` from standing in place of ours.

    Spark 4 has a flag for that (SPARK-48392). Older ones refuse it as unknown, and read one file alone.

    Raises:
        LaunchError: there is no Spark at ``home``.
        UsageError: the cluster would be lost.
    """
    version = launch.spark_version(home)
    if int(version.partition(".")[0]) >= 4:
        return ("--load-spark-defaults", *args)
    if any(name == THEIRS for name, _ in split(args)[0]):
        raise UsageError(
            f"Spark {version} would read the file of {THEIRS} in place of the cluster's own, and find no cluster.",
            "Give its lines as --conf KEY=VALUE, or set them for all drivers: SPARKSPACE_CONF",
        )
    return tuple(args)


def split(args: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Spark's flags with their values, empty where one has none; then the program, and what is its own."""
    found, rest = [], list(args)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        one = ONE_WORD.fullmatch(word)
        name, value = one.groups() if one else (word, "")
        found.append((name, rest.pop(0) if rest and not one and name not in SWITCHES else value))
    return found, rest
