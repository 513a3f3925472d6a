"""Class-data archives, made beside the first box: its own JVMs start without them, and all later ones with them.

``buildpack.archives`` makes them, and does nothing where there are some for this Spark and this Java.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

from .. import launch
from ..errors import LaunchError
from .logs import Log

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "archives"  # in the log, as if it were a dyno
LAST_IN_LINE = ["nice", "-n", "19"]  # the box's work goes first


async def make(log: Log, java_home: str) -> None:
    """Have them made, with what is said about it in the log. Who cancels this ends that.

    Args:
        log: the box's.
        java_home: the Java of its dynos.
    """
    with contextlib.suppress(LaunchError):  # there is no Spark: dynos will say so
        home = launch.spark_home({})
        if (ROOT / "buildpack").is_dir():
            await _run([*LAST_IN_LINE, sys.executable, "-m", "buildpack.archives", str(home), java_home], log)


async def _run(command: list[str], log: Log) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, umask=0o022
    )
    assert process.stdout
    try:
        await log.copy(process.stdout, NAME)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
