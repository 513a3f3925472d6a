"""What the same job does where nothing is done about restarts: without this, the other tests would show nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..box.conftest import Box, until
from ..box.cycled import JOB, Job, alive, open_box, run, scale
from ..box.inside import EXECUTOR, jvms, seen
from .conftest import closing
from .formations import STOCK
from .table import Table

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(900)]
HANGS_FOR_S = 60


@pytest.fixture(scope="module")
def stock(alone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A master that keeps nothing, and workers that end at SIGTERM at once."""
    folder = tmp_path_factory.mktemp("stock") / "repository"
    with closing(open_box(folder, SPARKSPACE_CONF="spark.deploy.recoveryMode=NONE")) as box:
        scale(box, plain=2)
        yield box


def test_worker_loses_what_it_had(stock: Box, table: Table) -> None:
    row = table.row(STOCK, "one worker restarted", "map tasks are computed again")
    done = run(stock, lambda: stock("restart", "plain.1"))
    row.ran(done)
    assert done.recomputed > 0


def test_master_forgets_what_runs(stock: Box, table: Table) -> None:
    """Its workers return, and end the executors of an application that it does not know."""
    row = table.row(STOCK, "the master restarted", "the job never ends")
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
