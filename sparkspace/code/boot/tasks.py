"""The task that runs in this process, and whether it may run a version."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

ASKED = "sparkspace.versions"  # of a job: the versions that its functions may have been made with


class Other(ImportError):
    """A worker has, or would have, another version of the user's code than the one that was asked for."""


def where() -> str:
    """This executor, for people: its address, and its number (the folder that a Worker starts it in is named so)."""
    return f"{os.environ.get('SPARK_LOCAL_IP') or socket.gethostname()}/{os.path.basename(os.getcwd())}"


def running() -> Any:  # noqa: ANN401  # a TaskContext
    """The task that runs in this process, None if it can't be told."""
    context = sys.modules.get("pyspark.taskcontext")
    return context.TaskContext.get() if context else None


def task() -> object:
    """The number of the task that runs in this process, None if it can't be told."""
    found = running()
    return found.taskAttemptId() if found else None


def refuse_older(digest: str) -> None:
    """A DataFrame or RDD has its functions as they were when it was built: not beyond an edit, and silently.

    What is older than what is cached is let pass: a lost part of that must be made again as it was.

    Raises:
        Other: the driver's code was another when it started this job.
    """
    found = running()
    asked = found.getLocalProperty(ASKED) if found else None
    if asked and digest[:12] not in asked.split():
        raise Other(
            f"This DataFrame or RDD was built with version {digest[:12]} of your code, and you have edited it since: "
            f"now it is {asked.split()[-1]}. Build it again: run the lines that made it. (Cached data can be used on.)"
        )
