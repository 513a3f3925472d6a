"""A driver in a process of its own: runs the modules of ``flow`` that stdin names, and prints how many rows they have.

Usage: python -m tests.memo.driver FOLDER [INSTANT], where INSTANT says where in a write it kills itself, as an
out-of-memory killer would: "commit" (data are there, no manifest is), "manifest" (it has no name yet), "use" (it has).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from pyspark.sql import SparkSession

from sparkspace.code.memo.store import Store

sys.dont_write_bytecode = True


def die(*_: Any, **__: Any) -> None:  # noqa: ANN401
    os.killpg(0, signal.SIGKILL)


def arm(instant: str) -> None:
    """Die there."""
    if instant == "manifest":
        os.fsync = die
    elif instant:
        setattr(Store, instant, die)


folder, instant = [*sys.argv[1:], ""][:2]
sys.path.insert(0, folder)
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
builder.config("spark.sql.warehouse.dir", f"file:{folder}/warehouse").getOrCreate()
flow = __import__("flow")
arm(instant)
print("ready", flush=True)
for line in sys.stdin:
    print(getattr(flow, line.strip()).result().count(), flush=True)
