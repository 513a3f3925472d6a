"""The mutation table: edits of a project, and whether they make its module run again. Real imports, no Spark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sparkspace.code.memo import changes
from sparkspace.code.memo.leaf import Leaf, key

from .project import FILES, MISSES, NO_MISSES, Edit

ROOT = Path(__file__).resolve().parent.parent.parent


def plant(folder: Path, edit: Edit, is_edited: bool) -> None:
    """Write the project, before or after an edit."""
    files = dict(FILES)
    for file, (old, new) in edit.base.items():
        files[file] = swapped(files.get(file, ""), old, new)
    if is_edited:
        for file, (old, new) in edit.replace.items():
            files[file] = swapped(files[file], old, new)
    for name, text in files.items():
        write(folder / name, text)
    for name, changed in edit.write.items() if is_edited else ():
        write(folder / name, changed)
    if edit.touch and is_edited:
        os.utime(folder / edit.touch, (1, 1))


def swapped(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not there"
    return text.replace(old, new, 1)


def write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def asked(lines: list[dict[str, Any]], seed: str = "0") -> dict[str, dict[str, Any]]:
    """What ``keys.py`` says about projects, by their ids."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.memo.keys"],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "LANG": "C.UTF-8"},
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(lines), run.stderr
    return {answer["id"]: answer for answer in answers}


def line(id: str, folder: Path, edit: Edit) -> dict[str, Any]:
    """What ``keys.py`` is told of one project."""
    return {"id": id, "folder": str(folder), "env": edit.env, "argv": edit.argv, "conf": CONF | edit.conf,
            "spark": edit.spark}  # fmt: skip


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """``id before`` and ``id after`` of every edit, each in a folder of its own that has the same name for Python."""
    folder = tmp_path_factory.mktemp("projects")
    lines = []
    for edit in [UNEDITED, *MISSES, *NO_MISSES]:
        for when in ("before", "after"):
            if when == "before" and edit is not UNEDITED and not edit.base:
                continue  # the same for all of them
            here = folder / edit.id / when
            plant(here, edit, when == "after")
            lines.append(line(f"{edit.id} {when}", here, edit if when == "after" else UNEDITED))
    return asked(lines)


UNEDITED = Edit("unedited")
CONF = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}


def both(looks: dict[str, dict[str, Any]], edit: Edit) -> tuple[list[Leaf], list[Leaf]]:
    found = []
    for when in ("before", "after"):
        look = looks.get(f"{edit.id} {when}") or looks["unedited before"]
        assert "error" not in look, look["error"]
        found.append([Leaf(*leaf) for leaf in look["leaves"]])
    return found[0], found[1]


@pytest.mark.parametrize("edit", [each for each in MISSES if each.says], ids=lambda edit: edit.id)
def test_an_edit_that_can_matter_makes_it_run(looks: dict[str, dict[str, Any]], edit: Edit) -> None:
    before, after = both(looks, edit)
    assert key(before) != key(after)
    said = changes(before, after)
    assert any(edit.says in sentence for sentence in said), said


@pytest.mark.parametrize("edit", NO_MISSES, ids=lambda edit: edit.id)
def test_an_edit_that_cannot_matter_does_not(looks: dict[str, dict[str, Any]], edit: Edit) -> None:
    before, after = both(looks, edit)
    assert changes(before, after) == []
    assert key(before) == key(after)


def test_a_key_is_the_same_in_every_process(tmp_path: Path) -> None:
    """Whatever the order of sets is there."""
    plant(tmp_path, Edit("same"), False)
    lines = [line("same", tmp_path, UNEDITED)]
    keys = {key(Leaf(*leaf) for leaf in asked(lines, seed)["same"]["leaves"]) for seed in ("0", "1", "2")}
    assert len(keys) == 1
