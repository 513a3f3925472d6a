"""A clock that jumps, as libfaketime has it: an hour ahead on all dynos at once, and back again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..box.conftest import Box, until
from ..box.cycled import alive, event_log, open_box, run_throughout, scale
from ..box.inside import accepts
from . import formations
from .conftest import closing
from .table import Table

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
pytestmark = [
    pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900),
    pytest.mark.skipif(not LIBRARIES, reason="needs a clock that can be set: apt-get install libfaketime"),
]  # fmt: skip
LOOKED_S = 75  # longer than Spark's time-outs for workers and executors, of which none may be met


@pytest.fixture(scope="module")
def jumping(alone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose dynos have the time that a file says; what is measured from a start goes on as it was (monotonic)."""
    box = open_box(tmp_path_factory.mktemp("clock") / "repository")
    with closing(box):
        clock(box).write_text("+0")
        # With the library's own cure for waits by the monotonic clock, which is on by default, Java's end at once, and
        # its threads spin.
        settings = {"TIMESTAMP_FILE": clock(box), "NO_CACHE": 1, "DONT_FAKE_MONOTONIC": 1, "FORCE_MONOTONIC_FIX": 0}
        words = [f"FAKETIME_{name}={value}" for name, value in settings.items()]
        box("config:set", f"LD_PRELOAD={LIBRARIES[-1]}", *words)
        scale(box, worker=2)
        yield box


def clock(box: Box) -> Path:
    """The file, in a folder that all dynos share."""
    return event_log(box, "clock")


def ahead_s(box: Box) -> float:
    """How far a dyno's clock is ahead of ours."""
    return float(box.out("run:inside", "worker.1", "date +%s")) - time.time()


def jump(box: Box) -> None:
    """An hour ahead, and back; each time until all would have timed out who do."""
    for text, least, most in (("+3600", 3000, 4000), ("+0", -600, 600)):
        clock(box).write_text(text)
        until(lambda least=least, most=most: least < ahead_s(box) < most, 30, 1)
        time.sleep(LOOKED_S)
        until(lambda: len(alive(box)) == 2, 120, 1)


def test_job_goes_on(jumping: Box, table: Table) -> None:
    expected = f"right answer, no failed job; {formations.GOES_ON}"
    row = table.row(formations.FOLDER, "all clocks jump an hour ahead, and back", expected)
    row.ran(run_throughout(jumping, lambda: jump(jumping)))
    assert row.failed_jobs == 0
    row.right = False
    accepts(jumping)
    row.right = True
