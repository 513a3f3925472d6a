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
# The box's work goes first; and a box that is killed takes this along.
BEHIND = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "19"]
ENDS_WITHIN_S = 20  # it cleans up


async def make(log: Log, folder: Path, java_home: str) -> None:
    """Have them made, with what is said about it in the log. Who cancels this ends that.

    Args:
        log: the box's.
        folder: the box's, for what is needed meanwhile.
        java_home: the Java of its dynos.
    """
    try:
        home = launch.spark_home({})
        if (ROOT / "buildpack").is_dir():
            maker = [sys.executable, "-m", "buildpack.archives", str(home), java_home]
            await _run([*BEHIND, "env", f"TMPDIR={folder}", *maker], log)
    except (LaunchError, OSError) as error:
        log.add("app", NAME, f"There is no class-data archive: {error}")


async def _run(command: list[str], log: Log) -> None:
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=null, stdout=pipe, stderr=subprocess.STDOUT, umask=0o022
    )
    assert process.stdout
    try:
        await log.copy(process.stdout, NAME)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
    except TimeoutError:
        process.kill()
