"""A job with checked answers runs while every dyno is restarted in turn; and what stock Spark does then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..box.conftest import Box, until
from ..box.cycled import JOB, Job, Run, alive, open_box, run, run_throughout, scale
from ..box.inside import EXECUTOR, jvms, seen
from . import formations
from .table import Row, Table

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(1500)]
FAULT = "every dyno restarted once, in turn"
EXPECTED = "right answer, no failed job, nothing lost"
HANGS_FOR_S = 60


@contextlib.contextmanager
def closing(box: Box) -> Iterator[Box]:
    """Down with it afterwards."""
    try:
        yield box
    finally:
        box("down")


def cycled(box: Box, row: Row) -> Run:
    """Cycle all under a job, and say so in the row."""
    led: list[float] = []
    done = run_throughout(box, lambda: led.extend(formations.cycle_all(box)))
    row.ran(done)
    row.master_s = max(led)
    assert (done.told.failed_jobs, done.told.failed, done.told.lost) == (0, 0, 0)
    return done


def test_one_master_with_recovery(tmp_path: Path, table: Table) -> None:
    row = table.row(formations.FOLDER, FAULT, EXPECTED)
    with closing(open_box(tmp_path / "repository")) as box:
        scale(box, worker=2)
        cycled(box, row)


@pytest.mark.long
def test_a_free_neighbour_takes_all_blocks(tmp_path: Path, table: Table) -> None:
    """Two executors on three workers: who leaves finds one that has room."""
    row = table.row(formations.FOLDER, f"{FAULT}; 3 workers", "nothing computed again")
    with closing(open_box(tmp_path / "repository")) as box:
        scale(box, worker=3)
        done = cycled(box, row)
    assert (done.recomputed, done.told.fetch_failures) == (0, 0)


@pytest.mark.long
@pytest.mark.parametrize(("formation", "kind"), [(formations.OWN, "zookeeper"), (formations.EXTERNAL, "zk")])
def test_three_masters(tmp_path: Path, table: Table, formation: str, kind: str) -> None:
    """ZooKeepers of somebody else's are not ours to cycle."""
    row = table.row(formation, FAULT, EXPECTED)
    with closing(formations.open_three(tmp_path / "repository", kind)) as box:
        cycled(box, row)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A master that keeps nothing, and workers that end at SIGTERM at once."""
    folder = tmp_path_factory.mktemp("stock") / "repository"
    with closing(open_box(folder, SPARKSPACE_CONF="spark.deploy.recoveryMode=NONE")) as box:
        scale(box, plain=2)
        yield box


@pytest.mark.long
def test_stock_worker_loses_what_it_had(stock: Box, table: Table) -> None:
    row = table.row(formations.STOCK, "one worker restarted", "map tasks are computed again")
    done = run(stock, lambda: stock("restart", "plain.1"))
    row.ran(done)
    assert done.recomputed > 0


@pytest.mark.long
def test_stock_master_forgets_what_runs(stock: Box, table: Table) -> None:
    """Its workers return, and end the executors of an application that it does not know."""
    row = table.row(formations.STOCK, "the master restarted", "the job never ends")
    until(lambda: len(alive(stock)) == 2, 120, 1)
    with Job(stock, "", JOB, 1, 2000) as job:
        application = job.line("ready")[1]
        old = jvms(stock, main=EXECUTOR)
        stock("restart", "master.1")
        until(lambda: not any(each.is_running() for each in old), 180)
        with pytest.raises(AssertionError):
            until(lambda: jvms(stock, main=EXECUTOR), HANGS_FOR_S, 2)
        assert job.process.poll() is None
        assert application not in str(seen(stock)["applications"])
    row.seen.append(f"no executor for {HANGS_FOR_S} s, not known to the master; it waits for ever")
