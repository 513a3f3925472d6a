"""The default formation, with recovery: every dyno is restarted under a job, and the only master is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ..box.conftest import Box, until
from ..box.cycled import Job, event_log, scale
from ..box.inside import MASTER, SMALL, STREAM, accepts, goes_on, jvm, jvms, lead_after, now
from . import formations
from .table import Table

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(900)]


def test_every_dyno_restarted(folder: Box, table: Table) -> None:
    formations.cycled(folder, table.row(formations.FOLDER, formations.CYCLED, formations.NOTHING_LOST))


def test_killed_master(folder: Box, table: Table) -> None:
    row = table.row(formations.FOLDER, "kill -9 of the master", formations.GOES_ON)
    end = event_log(folder, "killed-master")
    with Job(folder, SMALL, STREAM, end) as stream:
        stream.line("round")
        row.master_s = formations.kill_leader(folder, stream)
        accepts(folder)
        end.touch()
        stream.line("done")
    row.right = True


@pytest.mark.long
def test_two_masters_of_one_name(folder: Box, table: Table) -> None:
    """The old one stands still as its dyno is restarted, and wakes up beside its successor."""
    row = table.row(formations.FOLDER, "two dynos called master.1 at once", "the older one ends, the job goes on")
    end = event_log(folder, "two-masters")
    with Job(folder, SMALL, STREAM, end) as stream:
        stream.line("round")
        older, since = jvm(folder, "master.1", MASTER), now()
        older.suspend()
        folder("restart", "master.1")
        until(lambda: lead_after(folder, since), 25)
        both = [each for each in jvms(folder, "master.1", MASTER) if each.is_running()]
        older.resume()
        older.wait(20)
        goes_on(stream)
        accepts(folder)
        end.touch()
        stream.line("done")
    row.right, row.master_s = True, lead_after(folder, since)
    assert len(both) == 2


@pytest.fixture
def three_workers(folder: Box) -> Iterator[Box]:
    """One more than two."""
    scale(folder, worker=3)
    yield folder
    scale(folder, worker=2)


@pytest.mark.long
def test_a_free_neighbour_takes_all_blocks(three_workers: Box, table: Table) -> None:
    """With three workers, who leaves finds one that stays."""
    row = table.row(formations.FOLDER, f"{formations.CYCLED}; 3 workers", "nothing computed again")
    done = formations.cycled(three_workers, row)
    assert (done.recomputed, done.told.fetch_failures) == (0, 0)


@pytest.mark.long
def test_a_master_that_is_away_for_longer_than_spark_waits(folder: Box, table: Table) -> None:
    """An application that begins meanwhile is not lost: Spark's own client would give up after a minute."""
    row = table.row(formations.FOLDER, "no master for 80 s, in which an application begins", "it begins later")
    folder("scale", "master=0")
    with Job(folder, SMALL, STREAM, end := event_log(folder, "away")) as stream:
        time.sleep(80)
        assert stream.process.poll() is None
        folder("scale", "master=1")
        stream.line("round")
        end.touch()
        stream.line("done")
    row.right = True
