"""Python that the build compiles: found by drivers, workers and launchers, and right wherever it does not fit."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pyspark
import pytest

from buildpack import bytecode
from sparkspace import templates

SOURCE = "def fail():\n    raise ValueError('no')\n"
PYSPARK = Path(pyspark.__file__).parent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A SPARK_HOME with a zip, and templates beside it."""
    library = tmp_path / "spark" / "python" / "lib"
    library.mkdir(parents=True)
    (tmp_path / "conf-templates").mkdir()
    with zipfile.ZipFile(library / "pyspark.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pyspark/__init__.py", SOURCE)
        archive.writestr("pyspark/sql/tests/test_it.py", "assert False")
        archive.writestr("pyspark/py.typed", "")
    return tmp_path / "spark"


def imported(path: Path, code: str) -> str:
    """What a program says that has the zip on its path."""
    command = [sys.executable, "-S", "-c", code]
    return subprocess.run(command, env={"PYTHONPATH": str(path)}, capture_output=True, text=True).stdout


def compiled(home: Path) -> Path:
    bytecode.install(home, Path("/app/spark"), home.parent)
    return home / "python" / "lib" / "pyspark.zip"


def test_modules_are_beside_their_sources_and_tests_are_gone(home: Path) -> None:
    with zipfile.ZipFile(compiled(home)) as archive:
        assert archive.namelist() == ["pyspark/__init__.py", "pyspark/__init__.pyc", "pyspark/py.typed"]
        assert archive.read("pyspark/__init__.pyc").startswith(MAGIC_NUMBER)
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_python_takes_them_and_tracebacks_show_the_source(home: Path) -> None:
    code = "import pyspark, traceback\ntry: pyspark.fail()\nexcept ValueError: print(traceback.format_exc())"
    said = imported(compiled(home), "import pyspark; print(pyspark.__cached__)\n" + code)
    assert "/app/spark/python/lib/pyspark.zip/pyspark/__init__.py" in said
    assert "raise ValueError('no')" in said


def test_another_python_compiles_the_source(home: Path) -> None:
    path = compiled(home)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["pyspark/__init__.pyc"] = b"\x00\x01\r\n" + entries["pyspark/__init__.pyc"][4:]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    assert not bytecode.is_compiled(path)
    assert imported(path, "import pyspark; print(pyspark.fail.__code__.co_filename)") == f"{path}/pyspark/__init__.py\n"


def test_twice_is_once(home: Path) -> None:
    before = compiled(home).stat()
    after = compiled(home).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_templates_are_compiled(home: Path) -> None:
    source = home.parent / "conf-templates"
    (source / "good.j2").write_text("{{ name | property }}")
    (source / "broken.j2").write_text("{{")
    compiled(home)
    assert [path.name for path in (source / templates.COMPILED).iterdir()] == ["good.j2c"]


def test_a_package_is_known_by_the_place_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "module.py").write_text(SOURCE)
    bytecode.compile_package(tmp_path, Path("/app/package"))
    (compiled,) = (tmp_path / "inner" / "__pycache__").iterdir()
    content = compiled.read_bytes()
    assert b"/app/package/inner/module.py" in content
    assert bytes(tmp_path) not in content


def test_a_package_can_be_unpacked_with_any_date(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(SOURCE)
    bytecode.compile_package(tmp_path, Path("/app"))
    os.utime(module, (0, 0))
    said = imported(tmp_path, "import sys; sys.dont_write_bytecode = True; import module; print(module.fail.__name__)")
    assert said == "fail\n"
    module.write_text("fail = None")  # what was compiled is not looked at for its date
    assert imported(tmp_path, "import module; print(module.fail.__name__)") == "fail\n"


@pytest.mark.parametrize("name", ["pyspark.worker", "pyspark.daemon", "pyspark.sql.functions"])
def test_what_drivers_and_workers_begin_with_was_compiled_by_this_python(name: str) -> None:
    """scripts/setup has done it."""
    path = PYSPARK / "python" / "lib" / "pyspark.zip"
    with zipfile.ZipFile(path) as archive:
        inside = name.replace(".", "/")
        found = next(each for each in (f"{inside}.pyc", f"{inside}/__init__.pyc") if each in archive.namelist())
        assert archive.read(found).startswith(MAGIC_NUMBER)
