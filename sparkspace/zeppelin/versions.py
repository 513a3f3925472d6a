"""Which Spark each Zeppelin runs on. The build reads this, too.

Source: ``SparkVersion.java`` of each release (``MIN_SUPPORTED_VERSION``, ``UNSUPPORTED_FUTURE_VERSION``), which its
interpreter compares with the running Spark; for 0.11, ZEPPELIN-5966.
"""

from __future__ import annotations

import re

from ..errors import LaunchError

Line = tuple[int, int]

# Zeppelin → the first line of Spark that it runs on, and the last.
SPARKS: dict[str, tuple[Line, Line]] = {
    "0.10.0": ((2, 0), (3, 2)),
    "0.10.1": ((2, 0), (3, 2)),
    "0.11.0": ((3, 2), (3, 5)),
    "0.11.1": ((3, 2), (3, 5)),
    "0.11.2": ((3, 2), (3, 5)),
    "0.12.0": ((3, 3), (3, 5)),
    "0.12.1": ((3, 3), (4, 0)),
}
CHECK = "zeppelin.spark.enableSupportedVersionCheck"  # the interpreter's own property, for who dares


def line(version: str) -> Line:
    """``3.5.9`` → (3, 5); (0, 0) if it is no version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def runs_on(zeppelin: str, spark: str) -> bool:
    """Whether this Zeppelin takes this Spark."""
    first, last = SPARKS.get(zeppelin, ((0, 1), (0, 0)))
    return first <= line(spark) <= last


def refuse_other(zeppelin: str, spark: str) -> None:
    """Refuse a pair that Zeppelin itself would refuse, after a minute and in a paragraph.

    Raises:
        LaunchError: with the Spark that this Zeppelin runs on, or the Zeppelin that this Spark has.
    """
    if zeppelin not in SPARKS:
        raise LaunchError(f"Zeppelin {zeppelin} is not known here: known are {', '.join(SPARKS)}.", cure(spark))
    if not runs_on(zeppelin, spark):
        first, last = (".".join(map(str, each)) for each in SPARKS[zeppelin])
        raise LaunchError(
            f"Zeppelin {zeppelin} runs on Spark {first} to {last}, and this is Spark {spark}.", cure(spark)
        )


def cure(spark: str) -> str:
    """What to type to have both."""
    if fit := [each for each in SPARKS if runs_on(each, spark)]:
        return f"Of Spark {spark}'s there are: {', '.join(fit)}."
    newest = list(SPARKS)[-1]
    last = ".".join(map(str, SPARKS[newest][1]))
    return (
        f"No Zeppelin runs on Spark {spark}: the newest, {newest}, on Spark {last} at most. Move the app to that one:\n"
        f"bin/sparkspace upgrade {last}   (in a checkout; then push)"
    )
