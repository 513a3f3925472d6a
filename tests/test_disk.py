"""The disk that a dyno starts with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sparkspace.box import disk


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """An app with what was installed beside it, its history and secrets."""
    for name in ("Procfile", ".git/HEAD", ".env", ".venv/bin/python3", "lib/__pycache__/a.pyc", "lib/a.py"):
        file = tmp_path / "code" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return tmp_path / "code"


def test_disk_has_the_app_and_an_empty_tmp(tmp_path: Path, code: Path) -> None:
    dyno = tmp_path / "dynos" / "web.1-0"
    disk.make(dyno, code, is_slug=False)
    assert sorted(path.name for path in dyno.iterdir()) == ["app", "root", "tmp"]
    assert not any((dyno / "tmp").iterdir())
    assert sorted(str(path.relative_to(dyno / "app")) for path in (dyno / "app").rglob("*") if path.is_file()) == [
        "Procfile", "lib/a.py",
    ]  # fmt: skip
    assert (dyno / "app" / ".venv").readlink() == code / ".venv"
    disk.make(tmp_path / "dynos" / "web.1-1", code, is_slug=False)  # the restarted dyno, while the other one ends
    with pytest.raises(FileExistsError):
        disk.make(dyno, code, is_slug=False)


def test_ext4_spreads_the_disks(tmp_path: Path, code: Path) -> None:
    if not shutil.which("lsattr"):
        pytest.skip("lsattr is wanted: apt-get install e2fsprogs")
    if _file_system(tmp_path) != "ext4":
        pytest.skip("a folder for temporary files on ext4 is wanted: pytest --basetemp FOLDER")
    disk.make(tmp_path / "dynos" / "web.1-0", code, is_slug=False)
    listed = subprocess.run(["lsattr", "-d", tmp_path / "dynos"], capture_output=True, text=True, check=True).stdout
    assert "T" in listed.split()[0]


@pytest.mark.parametrize("mode", [None, 0o600])
def test_disk_is_made_without_chattr(
    tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None
) -> None:
    if mode:
        (tmp_path / "chattr").touch(mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    disk.make(tmp_path / "dynos" / "web.1-0", code, is_slug=False)
    assert (tmp_path / "dynos" / "web.1-0" / "app" / "Procfile").exists()


def _file_system(folder: Path) -> str:
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
