"""The clock of one dyno jumps by an hour while a job runs: the master's, a worker's; forwards and backwards."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from ..box.conftest import Box, until
from ..box.cycled import PROCFILE, alive, open_box, run_throughout, scale
from ..box.inside import MASTER, WORKER, accepts, jvm, said_at
from .conftest import Shared, closing
from .formations import FOLDER
from .table import Table

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
pytestmark = [
    pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900),
    pytest.mark.skipif(LIBRARY is None, reason="changes a dyno's clock by libfaketime (apt-get install faketime)"),
]  # fmt: skip
# The library looks into a file what time it is, every 2 s, and lets the clock alone that only measures.
FAKED = f"env LD_PRELOAD={LIBRARY} FAKETIME_TIMESTAMP_FILE=/tmp/clock FAKETIME_CACHE_DURATION=2 DONT_FAKE_MONOTONIC=1"


@pytest.fixture(scope="module")
def box(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose dynos believe a file."""
    shared.close()
    procfile = PROCFILE.replace("bin/spark-master", f"echo +0 > /tmp/clock; {FAKED} bin/spark-master")
    procfile = procfile.replace("worker: bin/spark-worker", f"worker: echo +0 > /tmp/clock; {FAKED} bin/spark-worker")
    folder = tmp_path_factory.mktemp("clock") / "repository"
    with closing(open_box(folder, procfile, "--network", "namespaces")) as found:
        scale(found, worker=2)
        yield found


@pytest.mark.parametrize("jump", ["+1h", "-1h"])
@pytest.mark.parametrize(("dyno", "main"), [("master.1", MASTER), ("worker.1", WORKER)])
def test_clock_that_jumps(box: Box, table: Table, dyno: str, main: str, jump: str) -> None:
    row = table.row(FOLDER, f"the clock of {dyno} jumps by {jump}", "right answer, no failed job, all workers are back")
    process = jvm(box, dyno, main)

    def jumps() -> None:
        Path(f"/proc/{process.pid}/root/tmp/clock").write_text(f"{jump}\n")
        until(lambda: is_off(box, dyno, process), 30, 1)
        until(lambda: len(alive(box)) == 2, 120, 1)

    row.ran(run_throughout(box, jumps))
    accepts(box)
    Path(f"/proc/{process.pid}/root/tmp/clock").write_text("+0\n")
    assert process.is_running() and row.failed_jobs == 0
    box("restart", dyno)
    until(lambda: not process.is_running() and len(alive(box)) == 2, 120, 1)


def is_off(box: Box, dyno: str, process: psutil.Process) -> bool:
    """Whether the JVM itself believes in another hour: it says the time when it is asked for its threads."""
    since = box.last()
    process.send_signal(signal.SIGQUIT)
    time.sleep(1)
    for line in box.log(after=since):
        if found := re.search(rf"app\[{re.escape(dyno)}\]: (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d)$", line):
            told = datetime.fromisoformat(found[1]).astimezone()
            return abs(told - said_at(line)) > timedelta(minutes=50)
    return False
