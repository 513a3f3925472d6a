"""A Python worker's view of its own modules (``sparkspace/code/boot/worker.py``), without Spark."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sparkspace.code.boot import homes
from sparkspace.code.boot.tasks import Other
from sparkspace.code.boot.worker import Worker
from sparkspace.code.parcel import Version, packed
from sparkspace.code.roots import Root
from sparkspace.code.tree import Watch


@pytest.mark.parametrize("file", ["/elsewhere/fares.py", "/home-of-others/fares.py"])
def test_a_module_from_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    module = types.ModuleType("fares")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "fares", module)
    worker = Worker()
    worker.units, worker.home, worker.digest = frozenset({"fares"}), "/home", "abc"
    with pytest.raises(Other, match=f"fares should come from version abc, but it was imported from {file}"):
        worker.refuse_others()
    worker.units = frozenset({"other"})
    worker.refuse_others()


class Parcel:
    """As much of a Broadcast as a worker needs."""

    def __init__(self, version: Version) -> None:
        units = sorted(version.units)
        self.value = {"digest": version.digest, "zip": packed(version), "units": units, "reasons": {}, "lazy": ""}


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Worker]]:
    """Another process of the same executor, as far as files go."""
    made: list[Worker] = []

    def started() -> Worker:
        made.append(Worker())
        return made[-1]

    monkeypatch.setattr(homes.tempfile, "gettempdir", lambda: str(tmp_path / "executor"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield started
    for worker in made:
        if worker.lock:
            worker.lock.close()
    for name in [name for name in sys.modules if name.partition(".")[0] == "boot_fares"]:
        del sys.modules[name]


def version(folder: Path, **files: str) -> Version:
    (folder / "boot_fares").mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        (folder / "boot_fares" / name.replace("_", ".", 1)).write_text(text)
    return Version(((0, Watch(Root(folder, frozenset({"boot_fares"}))).look()),))


def become(worker: Worker, made: Version) -> ModuleType:
    worker.become(made.digest, [Parcel(made)])
    return importlib.import_module("boot_fares.a")


def test_code_that_asks_where_it_is_finds_the_files_of_its_version(start: Callable[[], Worker], tmp_path: Path) -> None:
    """Compiled code is used again, also by another process of the executor."""
    source = (
        "import pathlib\ndef here(): return pathlib.Path(here.__code__.co_filename).with_name('v.txt').read_text()\n"
    )
    first = version(tmp_path / "project", a_py=source, v_txt="one")
    worker = start()
    assert become(worker, first).here() == "one"
    second = version(tmp_path / "project", v_txt="two")
    assert become(worker, second).here() == "two"
    assert become(start(), second).here() == "two"


def test_a_folder_that_was_half_removed_is_made_anew(start: Callable[[], Worker], tmp_path: Path) -> None:
    made = version(tmp_path / "project", a_py="X = 1\n")
    worker = start()
    assert become(worker, made).X == 1
    (Path(worker.home) / ".lock").unlink()
    assert become(start(), made).X == 1


def test_only_code_of_the_version_is_remembered(start: Callable[[], Worker], tmp_path: Path) -> None:
    worker = start()
    for number in range(5):
        assert become(worker, version(tmp_path / "project", a_py=f"X = {number}\n")).X == number
    assert len(worker.memory) == 1
    assert len(list((Path(worker.home).parent / "code").iterdir())) <= homes.KEPT + 1
