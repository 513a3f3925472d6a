"""Last words: which lines of a Worker's executors reach our own output, and how."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkspace.cycling import words
from sparkspace.cycling.words import File, Words

SECRETS = {"SPARKSPACE_SECRET": "the-secret-of-all", "DATABASE_URL": "postgres://u:hunter22@h/d", "LANG": "C.UTF-8"}


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A process whose current folder is that of an executor."""
    folder = tmp_path / "work" / "app-1" / "0"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=folder, stdin=subprocess.PIPE) as process:
        yield process.pid, folder
        process.kill()


def test_lines_come_as_they_are_written_and_without_secrets(executor: tuple[int, Path]) -> None:
    pid, folder = executor
    out = io.StringIO()
    told = Words(SECRETS, out)
    (folder / "stderr").write_text("before\n")
    told.follow([pid, 2**22 + 1])
    told.tell()
    assert out.getvalue() == "executor=app-1/0 before\n"
    with open(folder / "stderr", "a") as log:
        log.write("key the-secret-of-all!\nsee postgres://u:hunter22@h/d\nsee http://x:y@z/ C.UTF-8\nhalf")
    told.follow([pid])
    told.tell()
    told.tell(closing=True)
    told.tell(closing=True)
    mask = "*********(redacted)"
    lines = ["before", f"key {mask}!", f"see {mask}", f"see http://x:{mask}@z/ C.UTF-8", "half"]
    assert out.getvalue().splitlines() == [f"executor=app-1/0 {line}" for line in lines]


def test_drivers_have_a_prefix_of_their_own(tmp_path: Path) -> None:
    assert words.label(f"{tmp_path}/spark-work/driver-20261121-0001") == "driver=driver-20261121-0001"
    assert words.label(f"{tmp_path}/spark-work/app-20261121-0001/12") == "executor=app-20261121-0001/12"


def numbers(first: int, beyond: int) -> str:
    return "".join(f"{number}\n" for number in range(first, beyond))


def test_amount_is_bounded(tmp_path: Path) -> None:
    """The last lines of what is there, so many of what comes, and a word where more is left out."""
    log = tmp_path / "stderr"
    log.write_text(numbers(0, 100_000))
    file = File(str(log), "x")
    assert file.lines() == numbers(100_000 - words.LAST_LINES, 100_000).split()
    with open(log, "a") as more:
        more.write("y" * 100_000 + "\n" + numbers(0, 1000))
    told = file.lines()
    assert told[0] == "y" * 100_000
    assert told[-1] == f"(no more of this file than {words.MOST_LINES} lines)"
    assert len(told) == words.MOST_LINES - words.LAST_LINES + 1
    log.write_text(numbers(0, 10))
    assert file.lines(closing=True) == []


def test_no_part_of_a_secret_is_told_where_lines_are_cut(executor: tuple[int, Path]) -> None:
    pid, folder = executor
    secret = SECRETS["SPARKSPACE_SECRET"]
    tail = ("b" * 700 + "\n") * (words.LAST_LINES - 2)  # so that the first line begins in the middle of the secret
    line = f"a {secret}" + "c" * (words.LAST_BYTES - len(tail) - len(secret) // 2 - 1) + "\n"
    (folder / "stderr").write_text(line + tail)
    (folder / "stdout").write_text("d" * (words.MOST_CHARACTERS - 5) + secret + "\n")
    out = io.StringIO()
    told = Words(SECRETS, out)
    told.follow([pid])
    told.tell()
    lines = [line.partition(" ")[2] for line in out.getvalue().splitlines()]
    assert sorted(lines) == sorted(["b" * 700] * (words.LAST_LINES - 2) + ["d" * (words.MOST_CHARACTERS - 5) + "*****"])


def test_file_that_begins_anew_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    log.write_text("one, which is long\n")
    file = File(str(log), "x")
    assert file.lines() == ["one, which is long"]
    log.write_text("two\n")
    assert file.lines() == ["two"]
    os.remove(log)
    assert file.lines(closing=True) == []


def test_file_that_comes_later_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = File(str(tmp_path / "stderr"), "x")
    assert file.lines() == []
    (tmp_path / "stderr").write_bytes(b"\xff\r\nb\n")
    assert file.lines() == ["\ufffd", "b"]
