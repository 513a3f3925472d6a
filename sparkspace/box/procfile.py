"""The Procfile: process type → command."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import BoxError

# Heroku also takes underscores; Spark does not: a name becomes a DNS label and part of spark://, and Java's URI parser
# gives no host for "1.spark_master.myapp.app.localspace".
PROCESS_TYPE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = ("run", "release")


def parse(text: str) -> dict[str, str]:
    """Process type → command, in the order of the lines.

    Raises:
        BoxError: a line is not ``type: command``; the message gives its number.
    """
    types: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, command = (part.strip() for part in line.partition(":"))
        if not colon or not command:
            raise BoxError(
                f"Line {number} of the Procfile is {line.strip()!r}: it needs a process type, a colon and a command.",
                "Write it like: worker: bin/spark-worker",
            )
        if not PROCESS_TYPE.fullmatch(name) or name in RESERVED:
            raise BoxError(
                f"Line {number} of the Procfile has the process type {name!r}, which can't be the name of a host.",
                "Use lowercase letters, digits and hyphens, like spark-worker; run and release are Heroku's own.",
            )
        if name in types:
            raise BoxError(f"Line {number} of the Procfile has the process type {name!r} a second time.", "Remove one.")
        types[name] = command
    if not types:
        raise BoxError("The Procfile has no process type.", "Write a line like: worker: bin/spark-worker")
    return types


def read(folder: Path) -> dict[str, str]:
    """Parse the Procfile of an app.

    Raises:
        BoxError: there is none, or it is wrong.
    """
    try:
        return parse((folder / "Procfile").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BoxError(f"There is no Procfile in {folder}.", "Go to the folder of the app, and try again.") from None
    except UnicodeDecodeError:
        raise BoxError(f"The Procfile in {folder} is not UTF-8 text.", "Save it as UTF-8.") from None
