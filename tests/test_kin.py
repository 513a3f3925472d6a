"""The processes of a session: all of them are seen, no other, and at the end none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from sparkspace.cluster import kin
from sparkspace.cluster.kin import Kin

# A child in a process group of its own, as pyspark's daemon is, whose parent goes at once.
LOST = "import os, time; os.setpgid(0, 0); print('here', flush=True); time.sleep(60)"
LEAVES = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {LOST!r}])"
STAYS = "import signal, time; signal.signal(2, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
TIDIES = "import time\ntry:\n  print('here', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: print('tidied')"
PATIENCE_S = 20

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program of Python in a session of its own, and wait for its first word."""
    processes = []

    def start(program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True))
        assert processes[-1].stdout and processes[-1].stdout.readline() == "here\n"
        return processes[-1]

    yield start
    for process in processes:
        for pid in Kin(process.pid).look():
            os.kill(pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_who_is_seen(start: Start) -> None:
    other, process = start(STAYS), start(STAYS)
    found = Kin(process.pid).look()
    assert found == {process.pid: [sys.executable, "-c", STAYS]}
    assert other.pid not in found and os.getpid() not in found


def test_who_has_lost_its_parent_and_left_its_group_is_seen_and_ended(start: Start) -> None:
    process = start(LEAVES)
    process.wait(PATIENCE_S)
    ours = Kin(process.pid)
    assert list(ours.look().values()) == [[sys.executable, "-c", LOST]]
    ours.end()
    assert Kin(process.pid).look() == {}


def test_who_comes_later_is_seen(start: Start) -> None:
    process = start(
        "import subprocess, time; print('here', flush=True); time.sleep(0.3); subprocess.run(['sleep', '60'])"
    )
    ours, end = Kin(process.pid), time.monotonic() + PATIENCE_S
    while ["sleep", "60"] not in ours.look().values() and time.monotonic() < end:
        time.sleep(0.05)
    assert ["sleep", "60"] in ours.look().values()


def test_who_minds_can_clean_up(start: Start) -> None:
    process = start(TIDIES)
    Kin(process.pid).end()
    assert process.communicate()[0] == "tidied\n"


def test_who_does_not_mind_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kin, "LEAVES_WITHIN_S", 0.3)
    process = start(STAYS)
    Kin(process.pid).end()
    assert process.wait(PATIENCE_S) == -signal.SIGKILL


def test_nobody_is_no_trouble() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait(PATIENCE_S)
    Kin(process.pid).end()
