"""``sparkspace cycle``: a worker's turn, taken by hand, has the time it needs, and is ended whatever happens."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import Box, clean_environment, until
from .cycled import Job, open_box, run, scale
from .test_drain import ENDLESS, said, seconds_between

pytestmark = [pytest.mark.box, pytest.mark.spark]
CTRL_C = b"\x03"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a master and two workers."""
    box = open_box(tmp_path_factory.mktemp("cycle") / "repository")
    scale(box, worker=2)
    yield box
    box("down")


def steps(text: str) -> list[str]:
    """What it says of its steps, without how long they took."""
    lines = [line.partition("at=cycling-")[2] for line in text.splitlines()]
    return [line.partition(" after_s=")[0].strip() for line in lines if line]


def test_worker_has_its_turn_and_loses_nothing(box: Box) -> None:
    before, printed = box.dynos(), []

    def by_hand() -> None:
        printed.append(box("cycle", "worker.1", "--yes"))

    done = run(box, by_hand)
    # A stage that runs meanwhile may ask where blocks were (a fetch failure), and then finds where they are.
    assert (done.told.failed, done.told.lost, done.recomputed, done.recomputed_elements) == (0, 0, 0, 0)
    (shown,) = printed
    assert re.fullmatch(
        r"DYNO +STATE +AGE +EXECUTORS +OLDEST APPLICATION\nworker\.1 +up +\d+ min +1 +app-\d+-\d+\n", shown.stdout
    )
    assert steps(shown.stderr) == [
        "turn dyno=worker.1 turn=1/1",
        "drain dyno=worker.1 executors=1 within=3600s",
        "drained dyno=worker.1",
        "restart dyno=worker.1 reason=its-turn",
        "back dyno=worker.1",
        "over reason=done turns=1",
    ]
    after = box.dynos()
    assert [name for name in ("worker.1", "worker.2") if after[name]["id"] != before[name]["id"]] == ["worker.1"]


@pytest.mark.long
def test_turn_has_more_time_than_heroku_gives(box: Box) -> None:
    """Tasks that take 90 s: the worker is left when they have ended, and none of them is run again."""
    before = box.dynos()["worker.1"]["id"]
    done = run(box, lambda: box("cycle", "worker.1", "--yes"), pause_s=90, rounds=0)
    assert (done.told.failed, done.told.lost, done.recomputed) == (0, 0, 0)
    assert box.dynos()["worker.1"]["id"] != before
    told = [line for line in box.log() if "app[worker.1]" in line or "heroku[worker.1]" in line]
    stopping = [line for line in told if "Stopping all processes with SIGTERM" in line][-1]
    decommissioned = [line for line in told if "Decommission worker" in line][-1]
    assert seconds_between(decommissioned, stopping) > 30


@pytest.mark.long
def test_all_workers_have_their_turns_and_lose_nothing(box: Box) -> None:
    """The second turn waits until executors run on the first worker again, so that there is somebody to hand on to."""
    before = box.dynos()
    done = run(box, lambda: box("cycle", "--yes"), rounds=12)
    assert (done.told.failed, done.told.lost, done.recomputed, done.recomputed_elements) == (0, 0, 0, 0)
    after = box.dynos()
    assert all(after[name]["id"] != before[name]["id"] for name in ("worker.1", "worker.2"))


def test_ctrl_c_leaves_no_worker_without_work(box: Box) -> None:
    """Its executor has a task without an end, so only its restart can bring the worker back."""
    before = box.dynos()
    since = box.last()
    with Job(box, "", ENDLESS) as job:
        job.line("ready")
        near, far = pty.openpty()
        process = subprocess.Popen(
            [box.launcher, "cycle"], cwd=box.folder, env=clean_environment(), stdin=far, stdout=far, stderr=far,
            start_new_session=True,
        )  # fmt: skip
        os.close(far)
        seen = read_until(near, b"[y/N]")
        os.write(near, b"y\n")
        seen += read_until(near, b"at=cycling-drain ")
        os.write(near, CTRL_C)
        seen += read_until(near, b"")
        os.close(near)
        assert process.wait(60) == 128 + signal.SIGINT
    assert b"Cycle 2 of 2 workers, one at a time?" in seen
    assert steps(seen.decode())[-1] == "restart dyno=worker.1 reason=its-turn"
    until(lambda: box.dynos()["worker.1"]["id"] != before["worker.1"]["id"])
    assert box.dynos()["worker.2"]["id"] == before["worker.2"]["id"]
    until(lambda: any("Successfully registered with master" in line for line in said(box, "worker.1", since)), 90)
    scale(box, worker=2)


def read_until(terminal: int, text: bytes) -> bytes:
    """What comes up to this text, or (empty) up to the end."""
    seen = b""
    while not text or text not in seen:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # EIO: the other end is closed
            chunk = b""
        if not chunk:
            assert not text, seen
            break
        seen += chunk
    return seen


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "There is no terminal to ask at, so nothing was done."),
        (("worker.7", "--yes"), 64, "'worker.7' is no worker of this app."),
        (("master.1", "--yes"), 64, "'master.1' is no worker of this app."),
        (("--drain-minutes", "0"), 64, "must be a whole number of at least 1"),
    ],
)
def test_what_it_can_not_take_is_said_and_nothing_done(
    box: Box, arguments: tuple[str, ...], code: int, words: str
) -> None:
    before = {name: dyno["id"] for name, dyno in box.dynos().items() if name.startswith("worker.")}
    assert words in box("cycle", *arguments, code=code).stderr
    assert {name: dyno["id"] for name, dyno in box.dynos().items() if name.startswith("worker.")} == before
