"""The driver's modules after an edit (``sparkspace/code/reload.py``, ``project.py``), without Spark."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkspace.code.parcel import Version
from sparkspace.code.project import Project
from sparkspace.code.reload import EditFailed, Modules
from sparkspace.code.roots import Root
from sparkspace.code.tree import Watch

NAME = "reload_fares"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a package can be imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0].startswith(NAME)]:
        del sys.modules[name]


@pytest.fixture
def modules() -> Iterator[Modules]:
    modules = Modules()
    modules.begin(Version(()))
    yield modules
    modules.end()


def look(folder: Path) -> Version:
    """The package alone: what else this process has imported is to stay."""
    return Version(((0, Watch(Root(folder, frozenset({NAME}))).look()),))


def write(folder: Path, **files: str) -> None:
    package = folder / NAME
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)


def test_an_edit_after_the_import_and_before_the_first_look(folder: Path, modules: Modules) -> None:
    write(folder, table="RATE = 1\n")
    table = importlib.import_module(f"{NAME}.table")
    write(folder, table="RATE = 2\n")
    version = look(folder)
    assert modules.has_others(version)
    modules.become(version)
    assert (table.RATE, sys.modules[f"{NAME}.table"].RATE) == (1, 2)


def test_nothing_is_other_without_an_edit(folder: Path, modules: Modules) -> None:
    write(folder, table="RATE = 1\n")
    importlib.import_module(f"{NAME}.table")
    assert not modules.has_others(look(folder))


def test_whoever_imports_it_is_imported_anew_and_nobody_else(folder: Path, modules: Modules) -> None:
    write(folder, table="RATE = 1\n", uses=f"from {NAME}.table import RATE\n", apart="SEEN = []\n")
    uses, apart = (importlib.import_module(f"{NAME}.{name}") for name in ("uses", "apart"))
    modules.begin(look(folder))
    write(folder, table="RATE = 22\n")
    replaced = modules.become(look(folder))
    assert set(replaced) == {f"{NAME}.table", f"{NAME}.uses"}
    assert sys.modules[f"{NAME}.uses"].RATE == 22
    assert sys.modules[f"{NAME}.apart"] is apart
    assert uses is not sys.modules[f"{NAME}.uses"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("def rate(:\n", "SyntaxError"), ("import nowhere_at_all\n", "line 1\n    import nowhere_at_all\nModuleNotFound")],
)
def test_an_edit_that_fails_changes_nothing(folder: Path, modules: Modules, text: str, message: str) -> None:
    write(folder, table="RATE = 1\n", uses=f"from {NAME} import table\n")
    uses = importlib.import_module(f"{NAME}.uses")
    modules.begin(look(folder))
    write(folder, table=text)
    with pytest.raises(EditFailed, match=message) as raised:
        modules.become(look(folder))
    assert str(folder / NAME / "table.py") in str(raised.value)
    assert sys.modules[f"{NAME}.uses"] is uses
    assert sys.modules[f"{NAME}.table"].RATE == 1
    assert sys.modules[NAME].table is uses.table


def test_what_is_frozen_is_looked_at_again_when_asked(folder: Path) -> None:
    write(folder, table="RATE = 1\n")
    importlib.import_module(f"{NAME}.table")
    project = Project(frozen=True)
    first = project.look()
    write(folder, table="RATE = 22\n")
    assert project.look() is first
    assert project.look(again=True).digest != first.digest
