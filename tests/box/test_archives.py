"""The first box of a Spark has its class-data archives made; and none of it is left of a box that closes before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from buildpack.archives import MADE
from sparkspace.archive import FOLDER

from .conftest import ROOT, Box, copy_of_repository, until

pytestmark = [pytest.mark.box, pytest.mark.spark]

MAKING = "Making the class-data archive of"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A copy of the repository with a .venv of its own, whose files are links; it has no archives."""
    box = copy_of_repository(tmp_path / "repository")
    own = box.folder / ".venv"
    own.unlink()
    for name in ("bin", "lib", "nginx"):
        without = shutil.ignore_patterns(FOLDER, "__pycache__", "nbclient", "matplotlib", "pandas")
        shutil.copytree(ROOT / ".venv" / name, own / name, symlinks=True, ignore=without, copy_function=link)
    shutil.copy(ROOT / ".venv" / "pyvenv.cfg", own)
    yield box
    box("down")


def link(source: str, target: str) -> None:
    """Another name, or a copy where the scratch folder is another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def archives_of(box: Box) -> Path:
    """Their folder."""
    return next((box.folder / ".venv" / "lib").glob("python3*/site-packages/pyspark")) / FOLDER


def makers(box: Box) -> list[psutil.Process]:
    """What makes them: processes that name this copy's Spark."""
    named = str(archives_of(box).parent)
    return [each for each in psutil.process_iter(["cmdline"]) if named in " ".join(each.info["cmdline"] or [])]


def test_the_first_box_makes_them(box: Box) -> None:
    """With JVMs of its own beside, and the next one has nothing to make and uses them."""
    box("up", "--detach", "--network", "loopback", "--workers", "1")
    made = archives_of(box) / MADE
    until(made.exists, 240, 1)
    assert box.out("logs", "--num", "1500").count(f"app[archives]: -----> {MAKING}") == 2
    box("down")
    box("up", "--detach", "--network", "loopback", "--workers", "1")
    box("wait", "--workers", "1", "--timeout", "120")
    said = box.out("logs", "--num", "1500")
    assert MAKING not in said
    assert sum(f"-XX:SharedArchiveFile={made.parent}" in " ".join(each.info["cmdline"]) for each in makers(box)) >= 2


def test_a_box_that_closes_before_leaves_nothing(box: Box) -> None:
    box("up", "--detach", "--masters", "0", "--workers", "0")  # in namespaces, where there are some
    until(lambda: MAKING in box.out("logs"), 60, 0.2)
    until(lambda: len(makers(box)) > 1, 60, 0.2)  # the first run of Spark
    box("down")
    until(lambda: not makers(box), 20, 0.2)
    assert not archives_of(box).exists()
