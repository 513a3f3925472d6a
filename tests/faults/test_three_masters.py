"""Several masters, with ZooKeepers of our own and of somebody else's: restarted, and the leading ones killed."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..box.conftest import Box, until
from ..box.cycled import Job
from ..box.inside import MASTER, SMALL, STREAM, accepts, all_serve, goes_on, jvm, leading, modes, now, said_after
from . import formations
from .conftest import closing
from .table import Table

TIMES = int(os.environ.get("FAULTS_KILLS", "5"))
pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(1500 + 60 * TIMES)]
SILENT_S = 30  # spark.deploy.recoveryTimeout: so long a new master waits for an answer of all that are on record
# The aim is 15 s; the rest is for a machine with much other work.
WITHIN_S = 15 * 1.5
KINDS = {formations.OWN: "zookeeper", formations.EXTERNAL: "zk"}


@pytest.fixture(scope="module", params=KINDS)
def formation(request: pytest.FixtureRequest) -> str:
    """Which."""
    return str(request.param)


@pytest.fixture(scope="module")
def box(alone: None, formation: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Its box."""
    folder = tmp_path_factory.mktemp("three") / "repository"
    with closing(formations.open_three(folder, KINDS[formation])) as found:
        yield found


@pytest.fixture
def stream(box: Box, tmp_path: Path) -> Iterator[Job]:
    """A job that runs throughout, and ends well."""
    with Job(box, SMALL, STREAM, tmp_path / "end") as job:
        job.line("round")
        yield job
        (tmp_path / "end").touch()
        job.line("done")
        assert job.process.wait(60) == 0


def test_every_dyno_restarted(box: Box, formation: str, table: Table) -> None:
    """ZooKeepers of somebody else's are not ours to restart."""
    formations.cycled(box, table.row(formation, formations.CYCLED, formations.NOTHING_LOST))


def test_killed_leading_master(box: Box, formation: str, stream: Job, table: Table) -> None:
    row = table.row(formation, f"kill -9 of the leading master, {TIMES} times", formations.GOES_ON)
    seconds = []
    for _ in range(TIMES):
        until(lambda: formations.all_masters(box), 120, 1)
        since = now()
        seconds.append(formations.kill_leader(box, stream))
        if seconds[-1] > SILENT_S:
            gone = [line.partition("Master: ")[2] for line in said_after(box, since, "Master: Removing ")]
            row.seen.append(f"waited for who was silent: {'; '.join(gone)}")
        accepts(box)
    row.right, row.master_s = True, statistics.median(seconds)
    row.seen.append(f"median of {', '.join(f'{each:.1f}' for each in sorted(seconds))} s")
    assert row.master_s <= WITHIN_S


def test_killed_leading_zookeeper(box: Box, formation: str, stream: Job, table: Table) -> None:
    row = table.row(formation, "kill -9 of the ZooKeepers' leader", f"the same master leads, {formations.GOES_ON}")
    kind = KINDS[formation]
    until(lambda: formations.all_masters(box) and all_serve(box, kind), 120, 1)
    before, leader = leading(box), jvm(box, leading(box), MASTER)
    jvm(box, next(dyno for dyno, mode in modes(box, kind).items() if mode == "leader")).kill()
    goes_on(stream)
    until(lambda: all_serve(box, kind), 120, 1)
    until(lambda: formations.all_masters(box), 120, 1)
    accepts(box)
    row.right = True
    row.seen.append("the same master leads" if leader.is_running() else f"{before} ended, and another leads")
    assert leader.is_running() and leading(box) == before
