"""Drivers that are killed in the middle of a write, and two that write the same: nobody reads a half, all is swept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from sparkspace.code import memo
from sparkspace.code.memo import room
from sparkspace.code.memo.store import _HELD, Found

from ..box.conftest import until
from .flows import Project, states

pytestmark = pytest.mark.spark
ROOT = Path(__file__).resolve().parent.parent.parent
ROWS, PARTS = 400_000, 40
# Who runs ``both`` waits in the middle of it for the other.
FLOW = f"""
import os
import tempfile
from time import sleep


def meet(folder):
    tempfile.mkstemp(dir=folder)
    while len(os.listdir(folder)) < 2:
        sleep(0.01)


@sparkspace.module
def both(spark):
    meet("FOLDER/meeting")
    return spark.range(0, {ROWS}, 1, 4)


@sparkspace.module
def slow(spark):
    return spark.range(0, {ROWS}, 1, {PARTS})
"""


class Driver:
    """A driver, and all that it has started, in a process group of its own."""

    def __init__(self, project: Project, instant: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.memo.driver", str(project.folder), instant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )

    def run(self, name: str) -> None:
        """Have it run a module. It answers later."""
        pipe(self.process.stdin).write(f"{name}\n")
        pipe(self.process.stdin).flush()

    def answer(self) -> str:
        """Its next line."""
        return pipe(self.process.stdout).readline().strip()

    def kill(self) -> None:
        """All of it at once. Returns when nobody holds its output any more."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)


def pipe(found: IO[str] | None) -> IO[str]:
    assert found
    return found


@contextlib.contextmanager
def driver(project: Project, instant: str = "") -> Iterator[Driver]:
    """A driver that is ready."""
    one = Driver(project, instant)
    try:
        assert one.answer() == "ready"
        yield one
    finally:
        one.kill()


@pytest.fixture
def flow(project: Project) -> Iterator[Project]:
    (project.folder / "meeting").mkdir()
    project.edit(
        "flow.py", "from tidy import clean\n", "from tidy import clean\n" + FLOW.replace("FOLDER", str(project.folder))
    )
    yield project
    _HELD.clear()


def test_two_drivers_at_once_and_one_is_killed(flow: Project) -> None:
    """One other driver for both, since it takes seconds to start."""
    with driver(flow) as other:
        write_together(flow, other)
        die_in_the_middle(flow, other)


def write_together(flow: Project, other: Driver) -> None:
    """Each keeps what it wrote; both read the older."""
    modules = flow.load()
    other.run("both")
    assert modules.both.result().count() == ROWS
    assert other.answer() == str(ROWS)
    assert flow.runs() == {"both": 2}
    assert states(memo.plan(modules.both)) == ["read"]
    other.run("both")
    assert other.answer() == str(ROWS)
    assert flow.runs() == {"both": 2}


def die_in_the_middle(flow: Project, other: Driver) -> None:
    """Of its job: some tasks are done, most are not."""
    slow = flow.load().slow
    key = memo.plan(slow)[slow].key
    other.run("slow")

    found = set()

    def has_begun() -> bool:
        found.add(flow.store.find("flow.slow", key))
        return any("_temporary/0/task_" in path for path in flow.store.folder.files("flow.slow"))

    until(has_begun, every_s=0.005)
    other.kill()
    assert found == {Found(None, "")}, "nobody took it for a result, nor for a damaged one"
    assert "slow" not in flow.runs()
    is_whole_again(flow)


def is_whole_again(flow: Project) -> None:
    """What was killed is not there for readers, and is swept; what is whole stays."""
    slow = flow.load().slow
    left = set(flow.store.folder.files("flow.slow"))
    assert left
    assert states(memo.plan(slow)) == ["run"]
    assert "never run" in memo.why(slow)
    assert slow.result().count() == ROWS
    runs = flow.runs()
    room.sweep(flow.store, 1 << 40, 0)
    assert not left & set(flow.store.folder.files("flow.slow"))
    assert empty_folders(flow) == []
    assert flow.runs() == runs
    assert states(memo.plan(slow)) == ["read"]


def empty_folders(flow: Project) -> list[str]:
    return [folder for folder, folders, files in os.walk(flow.folder / "store") if not folders and not files]


@pytest.mark.long
@pytest.mark.parametrize("instant", ["commit", "manifest"])
def test_killed_before_it_is_known(flow: Project, instant: str) -> None:
    with driver(flow, instant) as other:
        other.run("slow")
        assert other.answer() == ""
        other.kill()
    parts = [path for path in flow.store.folder.files("flow.slow") if path.endswith(".parquet")]
    assert len(parts) >= PARTS, "all data are there"
    is_whole_again(flow)


@pytest.mark.long
def test_killed_when_it_is_known(flow: Project) -> None:
    with driver(flow, "use") as other:
        other.run("slow")
        assert other.answer() == ""
        other.kill()
    slow = flow.load().slow
    assert states(memo.plan(slow)) == ["read"]
    assert slow.result().count() == ROWS
    assert flow.runs() == {"slow": 1}
