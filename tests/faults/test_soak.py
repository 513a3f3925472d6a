"""Restarts in random order while short jobs come and go: none is lost, and nothing piles up."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ..box.conftest import Box, namespaces, processes_of, until
from ..box.cycled import Job, event_log
from ..box.inside import SHORT, SMALL, STREAM, jvms
from . import formations
from .table import Table

RESTARTS = int(os.environ.get("FAULTS_RESTARTS", "200"))
SEED = int(os.environ.get("FAULTS_SEED", "7"))
pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.long, pytest.mark.timeout(600 + 60 * RESTARTS)]
GROWN_MB = 48
# After each round it writes down what is left of its heap without garbage: what it holds grows to what it may hold.
LASTING = STREAM.replace(
    'print("round", flush=True)',
    """print("round", flush=True)
    sc._jvm.System.gc()
    heap = sc._jvm.java.lang.Runtime.getRuntime()
    with open(sys.argv[1] + ".heap", "w") as file:
        file.write(str(heap.totalMemory() - heap.freeMemory() >> 20))""",
)


class Stream(threading.Thread):
    """Short applications, one after the other."""

    def __init__(self, box: Box) -> None:
        super().__init__()
        self.box = box
        self.right = 0
        self.wrong: list[str] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            with Job(self.box, SMALL, SHORT) as job:
                try:
                    assert job.line("sum") == ["sum", "4950"]
                    self.right += 1
                except AssertionError:
                    self.wrong.append(told(job))


def open_files(process: psutil.Process) -> int:
    return process.num_fds()


def memory_mb(process: psutil.Process) -> int:
    return int(process.memory_info().rss) >> 20


def supervisor(box: Box) -> psutil.Process:
    """The box's own process."""
    return psutil.Process(int(box.record["pid"]))


def cyclers(box: Box) -> dict[str, Callable[[Box, str], object]]:
    """How each dyno is restarted."""
    kinds = {"master": formations.cycle_master, "worker": formations.cycle_worker}
    return {name: kinds[name.partition(".")[0]] for name in box.dynos() if name.partition(".")[0] in kinds}


def test_restarts_in_random_order(folder: Box, table: Table) -> None:
    row = table.row(
        formations.FOLDER, f"{RESTARTS} restarts in random order, seed {SEED}", "no job lost, nothing piles up"
    )
    dice, acts = random.Random(SEED), cyclers(folder)
    end = event_log(folder, "soak-end")
    stream = Stream(folder)
    with Job(folder, SMALL, LASTING, end) as lasting:
        lasting.line("round")
        heap = end.with_name(f"{end.name}.heap")
        stream.start()
        before: list[int] = []
        try:
            for number in range(RESTARTS):
                dyno = dice.choice(sorted(acts))
                print(f"{number}: {dyno}, so far {stream.right} right, {len(stream.wrong)} wrong", flush=True)
                acts[dyno](folder, dyno)
                assert lasting.process.poll() is None, f"it ended with restart {number}, of {dyno}:\n{told(lasting)}"
                if number == RESTARTS // 3:  # all is warm
                    before = [int(heap.read_text()), memory_mb(supervisor(folder)), open_files(supervisor(folder))]
            after = [int(heap.read_text()), memory_mb(supervisor(folder)), open_files(supervisor(folder))]
        finally:
            stream.over.set()
            stream.join(300)
        lasting.line("round")
        end.touch()
        lasting.line("done")
    row.seen.append(f"{stream.right} short applications, {len(stream.wrong)} of them failed")
    names = ("MB of the lasting driver's heap", "MB of the box", "open files of the box")
    row.seen += [f"{name}: {was}, then {is_}" for name, was, is_ in zip(names, before, after, strict=True)]
    assert not stream.wrong, "\n\n".join(stream.wrong)
    until(lambda: left(folder) == (3, 3), 90, 1)
    row.right = True
    assert all(is_ - was < GROWN_MB for was, is_ in zip(before, after, strict=True))


def told(job: Job) -> str:
    """The last of what a driver said that is more than its progress."""
    return "\n".join([line for line in job.errors.splitlines() if " INFO " not in line][-100:])


def left(box: Box) -> tuple[int, int]:
    """How many dynos' folders and network namespaces there are."""
    folders = Path(box.record["folder"], "dynos").iterdir()
    inside = {os.readlink(f"/proc/{each.pid}/ns/net") for each in jvms(box)}
    assert processes_of(box.record["folder"]) and inside <= namespaces()
    return len(list(folders)), len(inside)
