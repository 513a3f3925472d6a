"""Templates of conf files: strict, and compiled once."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import jinja2
import pytest

from sparkspace import templates

from .launchers import ROOT


def rendered(folder: Path) -> str:
    return templates.environment(folder, double=lambda text: text * 2).get_template("x.j2").render(name="a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.j2").write_text("{{ name | double }} and &\n")
    (tmp_path / templates.COMPILED).mkdir()
    return tmp_path


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("it was compiled again")

    monkeypatch.setattr(jinja2.Environment, "_compile", refuse)


def test_they_are_beside_the_package() -> None:
    assert templates.FOLDER == ROOT / "conf-templates"


def test_unknown_name_is_a_bug(folder: Path) -> None:
    (folder / "x.j2").write_text("{{ nme }}")
    with pytest.raises(jinja2.UndefinedError, match="nme"):
        rendered(folder)


def test_what_was_compiled_is_used_also_at_another_place(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rendered(folder) == "aa and &\n"
    elsewhere = folder.rename(tmp_path_factory.mktemp("app") / "app")
    without_compiler(monkeypatch)
    assert rendered(elsewhere) == "aa and &\n"


def test_a_template_that_was_changed_is_compiled_again(folder: Path) -> None:
    rendered(folder)
    (folder / "x.j2").write_text("{{ name }}!")
    assert rendered(folder) == "a!"


def test_what_was_compiled_does_not_tell_where(folder: Path) -> None:
    rendered(folder)
    compiled = (folder / templates.COMPILED / "x.j2c").read_bytes()
    assert bytes(folder) not in compiled
    assert f"{folder.name}/x.j2".encode() in compiled


@pytest.mark.parametrize("damage", [b"", b"no bytecode", b"j2\x05\x00"])
def test_damaged_ones_are_compiled_again(folder: Path, damage: bytes) -> None:
    (folder / templates.COMPILED / "x.j2c").write_bytes(damage)
    assert rendered(folder) == "aa and &\n"


def test_nothing_is_kept_where_the_build_has_made_no_folder(folder: Path) -> None:
    (folder / templates.COMPILED).rmdir()
    assert rendered(folder) == "aa and &\n"
    assert [path.name for path in folder.iterdir()] == ["x.j2"]
