"""Random edits, with executors that come and go: never a stale answer, and nothing that grows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sparkspace.code.boot.homes import KEPT

from .edits import PACKAGE, Editor
from .shell import Shell

pytestmark = pytest.mark.spark

BEGIN = f"""
import {PACKAGE}.api
from {PACKAGE}.api import top
from pyspark.sql.functions import udf
u = udf(lambda x: {PACKAGE}.api.top(x), "long")
spark.udf.register("top", top, "long")
rdd = sc.parallelize(range(2), 2)
"""
ASK = f"""
[rdd.map(top).collect(), [r[0] for r in spark.range(0, 2, 1, 2).select(u("id")).collect()],
 [r[0] for r in spark.sql("SELECT top(id) FROM range(0, 2, 1, 2)").collect()], [top(0), {PACKAGE}.api.top(1)]]
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path / "shell")
    try:
        shell.open()
        yield shell
    finally:
        shell.close()


def executors(shell: Shell) -> list[psutil.Process]:
    below = psutil.Process(shell.process.pid).children(recursive=True)
    return [each for each in below if any("CoarseGrainedExecutorBackend" in word for word in words(each))]


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def pythons(shell: Shell) -> int:
    """Processes of executors that run Python."""
    return sum(len(each.children(recursive=True)) for each in executors(shell))


def follow(shell: Shell, folder: Path, edits: int, seed: int, kill_each: int) -> Iterator[int]:
    """Edit, ask, compare; an executor is killed now and then, and another takes its place."""
    editor = Editor(folder, seed)
    shell.run(f"import sys; sys.path.insert(1, {str(folder)!r})")
    shell.run(BEGIN)
    for step in range(edits):
        kind = editor.edit()
        expected = [editor.model.answer(0), editor.model.answer(1)]
        assert shell.run(ASK) == [expected] * 4, f"edit {step}, {kind}, seed {seed}"
        if step % kill_each == kill_each - 1:
            executors(shell)[step % 2].kill()
        yield step


def test_thirty_random_edits(shell: Shell, tmp_path: Path) -> None:
    assert sum(1 for _ in follow(shell, tmp_path / "project", 30, seed=1, kill_each=12)) == 30


@pytest.mark.long
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("seed", range(2, 7))
def test_a_thousand_random_edits(shell: Shell, tmp_path: Path, seed: int) -> None:
    assert sum(1 for _ in follow(shell, tmp_path / "project", 200, seed=seed, kill_each=25)) == 200


def measured(shell: Shell) -> dict[str, float]:
    homes = [path for path in shell.folder.glob("**/sparkspace/*") if len(path.name) == 64]
    local = sum(path.stat().st_size for path in (shell.folder / "local").rglob("*") if path.is_file())
    return {
        "pythons": pythons(shell),
        "rss": sum(each.memory_info().rss for each in executors(shell)),
        "homes": len(homes),
        "local": local,
        "driver": psutil.Process(shell.process.pid).memory_info().rss,
    }


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_hundred_versions_leave_nothing_behind(shell: Shell, tmp_path: Path) -> None:
    steps = follow(shell, tmp_path / "project", 100, seed=99, kill_each=1000)
    found = {step: measured(shell) for step in steps if step in (20, 99)}
    print(found, file=sys.stderr)
    early, late = found[20], found[99]
    assert late["pythons"] <= early["pythons"]
    assert late["homes"] <= 2 * (KEPT + 1), "two executors"
    assert late["rss"] < early["rss"] * 1.25
    assert late["driver"] < early["driver"] * 1.25
