"""Hot deploy of Python code on the other Sparks of the table, and on other Pythons: this folder's tests, run there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from buildpack import versions
from buildpack.app import runs_on

from .. import spark_lines
from ..launchers import ROOT
from ..slug import runtimes

SUITES = (
    "tests/test_seams.py",
    "tests/test_daemon.py",
    "tests/test_reload.py",
    "tests/test_driver.py",
    "tests/test_boot_worker.py",
    "tests/code/test_idioms.py",
    "tests/code/test_edits.py",
    "tests/code/test_shells.py",
)
SECONDS = 2400
OLDEST = "3.10"


def cases() -> list[object]:
    """(version, a Python or None for the newest): all lines, and the last that runs on the oldest Python, with that."""
    default = versions.default().version
    oldest = [each for each in versions.versions() if runs_on(versions.resolve(each), OLDEST)][-1]
    rows = [pytest.param(version, None, id=version) for version in versions.versions() if version != default]
    rows += [pytest.param(oldest, OLDEST, id=f"{oldest}-python{OLDEST}")]
    return [*rows, pytest.param(default, None, id=f"{default}-newest")]


@pytest.mark.spark
@pytest.mark.versions
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize(("version", "python"), cases())
def test_python_code(version: str, python: str | None, tmp_path: Path) -> None:
    base = runtimes.program(python) if python else None
    if python and not base:
        pytest.skip(f"no Python {python} here: install it, with pyenv for instance")
    program = spark_lines.python_with(version, base)
    options = ["-q", "-m", "not long", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"]
    done = subprocess.run(
        [program, "-m", "pytest", *options, *SUITES], cwd=ROOT, env=spark_lines.clean(version),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
