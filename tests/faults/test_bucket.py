"""The default formation with a bucket, where the only master's state is: every dyno restarted, the master killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..box.conftest import Box, copy_of_repository, until
from ..box.cycled import Job
from ..box.inside import SMALL, STREAM, accepts
from ..s3 import artifacts
from ..s3.conftest import BUCKET, Store, prepare, settings
from . import formations
from .conftest import closing
from .table import Table

pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(1200)]
FORMATION = "1 master, bucket"


@pytest.fixture(scope="module")
def bucket(alone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box on loopback with a bucket. Event logs are in a folder, for they are read here."""
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "events").mkdir()
    box = copy_of_repository(folder / "repository")
    prepare(box, artifacts.server().relative_to(artifacts.ROOT))
    places = {"EVENT_LOG": (folder / "events").as_uri(), "RECOVERY": f"s3a://{BUCKET}/spark-recovery"}
    env = "".join(f"SPARKSPACE_{name}_DIR={place}\n" for name, place in places.items())
    (box.folder / ".env").write_text(settings() + env)
    box("up", "--detach", "--network", "loopback")
    with closing(box):
        until(lambda: Store(box).ask("PUT", "")[0] == 200, 60)
        box("wait", "--workers", "2", "--timeout", "240")
        yield box


def test_every_dyno_restarted(bucket: Box, table: Table) -> None:
    row = table.row(FORMATION, formations.CYCLED, formations.NOTHING_LOST)
    formations.cycled(bucket, row)
    kept = Store(bucket).keys("spark-recovery/")
    row.seen.append(f"{len(kept)} objects in the bucket afterwards")
    assert kept


def test_killed_master(bucket: Box, table: Table, tmp_path: Path) -> None:
    row = table.row(FORMATION, "kill -9 of the master", formations.GOES_ON)
    with Job(bucket, SMALL, STREAM, tmp_path / "end") as stream:
        stream.line("round")
        row.master_s = formations.kill_leader(bucket, stream)
        accepts(bucket)
        (tmp_path / "end").touch()
        stream.line("done")
    row.right = True
