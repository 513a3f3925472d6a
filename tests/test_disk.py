"""The disk that a dyno starts with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sparkspace.box import disk


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """An app of one file."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "Procfile").write_text("web: bin/web")
    return tmp_path / "code"


def test_disk_has_the_app_and_an_empty_tmp(tmp_path: Path, code: Path) -> None:
    dyno = tmp_path / "dynos" / "web.1-0"
    disk.make(dyno, code, is_slug=False)
    assert sorted(path.name for path in dyno.iterdir()) == ["app", "root", "tmp"]
    assert [path.name for path in dyno.rglob("*/*")] == ["Procfile"]
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


def test_disk_is_made_without_chattr(tmp_path: Path, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    disk.make(tmp_path / "dynos" / "web.1-0", code, is_slug=False)
    assert (tmp_path / "dynos" / "web.1-0" / "app" / "Procfile").exists()


def _file_system(folder: Path) -> str:
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
