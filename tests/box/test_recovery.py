"""One master, and an application that runs: it outlives the restart of the master's dyno, at its new address."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .conftest import Box, copy_of_repository, until
from .cycled import PROCFILE, run, scale

pytestmark = [pytest.mark.box, pytest.mark.spark]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box on loopback, with a master and a worker."""
    box = copy_of_repository(tmp_path_factory.mktemp("recovery") / "repository")
    (box.folder / "Procfile").write_text(PROCFILE)
    formation = ["--masters", "1", "--workers", "0", "--network", "loopback"]
    box("up", "--detach", *formation, env={"SPARK_MASTERS": "1"})
    scale(box, worker=1)
    yield box
    box("down")


def test_application_outlives_a_restart_of_the_only_master(box: Box) -> None:
    before = box.address("master.1")

    def restart() -> None:
        box("restart", "master.1")
        until(lambda: "Recovery complete" in "\n".join(box.log()), 120)
        assert [each["state"] for each in status(box)["masters"]] == ["ALIVE"]
        assert [each["name"] for each in status(box)["applications"]] == ["cycled"]

    done = run(box, restart, rounds=4)
    assert (done.told.failed, done.told.lost, done.recomputed, done.recomputed_elements) == (0, 0, 0, 0)
    assert box.address("master.1") not in ("", before)
    until(lambda: status(box)["applications"] == [])


def status(box: Box) -> dict[str, list[dict[str, object]]]:
    """``sparkspace status --json``."""
    found: dict[str, list[dict[str, object]]] = json.loads(box.out("status", "--json"))
    return found
