"""``sparkspace upgrade``: it tells, asks, writes the version and installs it, or leaves everything as it was."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from buildpack import versions

from .box.conftest import clean_environment, copy_of_repository

NEWEST = versions.versions()[-1]
OLDER = versions.versions()[0]
# In the place of scripts/setup, which has its own tests: fetching a whole Spark takes minutes.
SETUP = "#!/bin/sh\ncat .spark.version >> installed\nexit {code}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this repository, on the oldest version."""
    box = copy_of_repository(tmp_path / "checkout")
    (box.folder / ".spark.version").write_text(f"{OLDER}\n")
    setup(box.folder, 0)
    return box.folder


def setup(checkout: Path, code: int) -> None:
    script = checkout / "scripts" / "setup"
    script.write_text(SETUP.format(code=code))
    script.chmod(0o755)


def upgrade(checkout: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "bin" / "sparkspace"), "upgrade", *words]
    return subprocess.run(
        command,
        cwd=checkout,
        env={**clean_environment(), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def version(checkout: Path) -> str:
    return (checkout / ".spark.version").read_text()


def test_it_tells_writes_and_installs(checkout: Path) -> None:
    done = upgrade(checkout, "--yes")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["NOW", "THEN"] and rows[1] == ["Spark", OLDER, NEWEST]
    assert f"Spark {OLDER} and Spark {NEWEST} do not work together" in " ".join(done.stdout.split())
    assert "git push heroku" in done.stdout
    assert version(checkout) == f"{NEWEST}\n"
    assert (checkout / "installed").read_text() == f"{NEWEST}\n"
    assert "at=upgraded" in done.stderr


def test_what_can_not_be_installed_is_not_kept(checkout: Path) -> None:
    setup(checkout, 7)
    done = upgrade(checkout, "--yes")
    assert done.returncode == 72
    assert "Not everything could be installed" in done.stderr
    assert version(checkout) == f"{OLDER}\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 64, "There is no terminal to ask at, so nothing was done."),
        (("2.4", "--yes"), 74, "Spark 2.4, the last 2.x, ended in 2021"),
        (("9.9", "--yes"), 74, f"The nearest is {NEWEST}"),
        ((OLDER, "--yes"), 0, f"This checkout has Spark {OLDER} already."),
    ],
)
def test_nothing_is_written(checkout: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = upgrade(checkout, *words)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr
    assert version(checkout) == f"{OLDER}\n"
    assert not (checkout / "installed").exists()


@pytest.mark.parametrize(("answer", "then"), [("y", NEWEST), ("", OLDER), ("n", OLDER)])
def test_it_asks(checkout: Path, answer: str, then: str) -> None:
    near, far = pty.openpty()
    os.write(near, f"{answer}\n".encode())
    command = [str(checkout / "bin" / "sparkspace"), "upgrade"]
    done = subprocess.run(command, cwd=checkout, env=clean_environment(), stdin=far, capture_output=True, text=True)
    os.close(near)
    os.close(far)
    assert done.returncode == 0, done.stderr
    assert f"Upgrade from {OLDER} to {NEWEST} here? [y/N]" in done.stderr
    assert version(checkout) == f"{then}\n"


def test_a_dyno_does_not_upgrade_itself(checkout: Path) -> None:
    done = upgrade(checkout, "--yes", DYNO="run.1")
    assert done.returncode == 64
    assert "Type it in your checkout, and push: bin/sparkspace upgrade" in done.stderr
