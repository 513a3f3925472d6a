"""A box of this repository."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from . import ROOT

PATIENCE_S = 300


def sparkspace(*args: str, stdin: str = "") -> str:
    """``bin/sparkspace …``; what it printed.

    Raises:
        RuntimeError: it failed.
    """
    command = [str(ROOT / "bin" / "sparkspace"), *args]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def box(workers: int, *options: str) -> Iterator[None]:
    """A box with one master and workers of Private-M, all registered."""
    try:
        sparkspace("up", "--detach", "--app", "bench", "--masters", "1", "--workers", str(workers), *options)
    except KeyboardInterrupt:
        sparkspace("down")  # any other failure has left nothing, or is that there is a box, which is not ours
        raise
    try:
        wait(workers)
        yield
    finally:
        sparkspace("down")


def wait(workers: int) -> None:
    """Until so many workers are registered."""
    sparkspace("wait", "--workers", str(workers), "--timeout", str(PATIENCE_S))
