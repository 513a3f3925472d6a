"""Three modules whose data are in the bucket. Usage: bin/spark-submit tests/s3/modules.py make|kill|clean

``kill`` dies in the middle of a job that writes; ``clean``, another process, makes room for all but one byte. Each
prints what it found as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

import sparkspace
from sparkspace.code.memo import decide, place

ROWS = 1000


@sparkspace.module
def first(spark):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return spark.range(ROWS)


@sparkspace.module
def second(first):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return first.where("id > 9")


@sparkspace.module
def doomed(spark):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return spark.range(0, 100 * ROWS, 1, 200)


def make() -> object:
    rows = [each.result().count() for each in (first, second)]
    time.sleep(1.1)  # objects know the second that they were written in
    return [rows, [step.state for step in sparkspace.plan(second)]]


def kill() -> object:
    store = place.find(decide.session())

    def watch() -> None:
        while not any(path.endswith(".pending") for path in store.folder.files("modules.doomed")):
            time.sleep(0.05)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    return doomed.result().count()


def clean() -> object:
    store = place.find(decide.session())
    before = sum(run.size for run in store.runs() if run.is_whole)
    done = sparkspace.clean(before - 1, idle_hours=0)
    plan = sparkspace.plan(second, doomed)
    return [done.left < before, [step.state for step in plan], second.result().count()]


print("found", json.dumps({"make": make, "kill": kill, "clean": clean}[sys.argv[1]]()), flush=True)
