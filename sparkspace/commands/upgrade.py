"""``sparkspace upgrade [VERSION]``: another version of Spark, in a checkout of this app."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..cluster.report import table
from ..errors import BoxError, SparkspaceError, UsageError
from ..log import event
from . import everywhere
from .arguments import Parser
from .demo import ROOT, install
from .question import agreed

if TYPE_CHECKING:
    from buildpack.versions import Line

DESCRIPTION = """\
Move this checkout to another version of Spark of the tested table (default: the newest), and install it here. It tells
what will change and what that means for a running cluster, and asks."""
AGAIN = "bin/sparkspace upgrade"
STEPS = """
Here:       {file} gets {to}, and scripts/setup fetches that Spark for boxes on this machine.
On Heroku:  a release, when you push it:
              git add {file} && git commit -m "Move to Spark {to}" && git push heroku HEAD:main
            It restarts a quarter of the dynos at a time. Spark {now} and Spark {to} do not work together in one
            cluster, so applications that run then end. Wait until none does, and check afterwards:
              heroku run bin/sparkspace status        heroku run bin/sparkspace doctor
            Back again: heroku rollback
"""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Tell, ask, write the version and install it. If that fails, the old version stays."""
    parser = Parser("upgrade", DESCRIPTION)
    parser.add_argument(
        "version", nargs="?", default="", help="a version, or the beginning of one as 4.1; default: newest"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(args)
    if everywhere.on_a_dyno(env):
        raise UsageError(
            "A dyno can't change its own slug.", "Type it in your checkout, and push: bin/sparkspace upgrade"
        )
    from buildpack import versions  # a laptop's; the commands of a dyno do without

    now = versions.requested(ROOT)
    to = versions.resolve(options.version or versions.versions()[-1])
    if now == to:
        print(f"This checkout has Spark {to.version} already.")
        return 0
    refuse_open_box()
    print(comparison(now, to) + "\n" + STEPS.format(file=versions.FILE, now=now.version, to=to.version), flush=True)
    if options.yes or agreed(f"Upgrade from {now.version} to {to.version} here?", "--yes"):
        change(ROOT / versions.FILE, to.version)
        event("upgraded", spark=to.version, next="git-push")
    return 0


def comparison(now: Line, to: Line) -> str:
    """What differs, a line each."""
    rows = (
        (what, *(values(line) for line in (now, to)))
        for what, values in (
            ("Spark", lambda line: line.version),
            ("Scala", lambda line: line.scala),
            ("Hadoop", lambda line: line.hadoop),
            ("Python", lambda line: " to ".join(line.python)),
            ("Java", lambda line: ", ".join(map(str, line.java))),
        )
    )
    return table(("", "NOW", "THEN"), rows)


def refuse_open_box() -> None:
    """Refuse while a box runs from the files that would change.

    Raises:
        BoxError: one is open.
    """
    from ..box import record

    try:
        found = record.find(ROOT)
    except BoxError:
        return
    raise BoxError(f"A box of {found.app} is open here, and runs on these files.", "Close it: bin/sparkspace down")


def change(file: Path, version: str) -> None:
    """Write the version, and install it; put back what was there if that fails.

    Raises:
        LaunchError: it could not be installed.
    """
    before = file.read_bytes() if file.exists() else None
    new = file.with_name(f"{file.name}.new")
    try:
        new.write_text(f"{version}\n")
        os.replace(new, file)
        install()
    except BaseException as error:
        new.unlink(missing_ok=True)
        if before is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(before)
        if isinstance(error, SparkspaceError):
            error.cure = (
                f"{file.name} is as it was; scripts/setup installs that version. To try {version} again: {AGAIN}"
            )
        raise
