"""Spark's processes with a parent of ours: the command to become instead of Spark's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from ..launch import Command

HERE = Path(__file__).resolve().parent
PYTHON = (sys.executable, "-I", "-S")  # alone: no package of anybody's, no PYTHONPATH


def kept(kind: Literal["worker", "driver"], command: Command) -> Command:
    """``command`` below the small process that stays with it (``parent``)."""
    return Command((*PYTHON, str(HERE / "parent.py"), kind, *command.argv), command.env)


def worker(command: Command) -> Command:
    """A Worker's command, with a parent, and with executors that outlive SIGTERM (``executor``)."""
    env = {
        **command.env,
        "JAVA_HOME": str(HERE / "java"),
        "_SPARKSPACE_JAVA_HOME": command.env["JAVA_HOME"],
        "_SPARKSPACE_PYTHON": sys.executable,
    }
    return kept("worker", Command(command.argv, env))
