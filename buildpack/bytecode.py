"""Python compiled by the build, so that no dyno does it again at each start.

Spark puts ``python/lib/pyspark.zip`` before all else on the path of drivers and workers (``PythonUtils``), and Python
can't keep what it compiles from a zip: every driver, and the first Python worker of every executor, would compile all
of pyspark that it imports. So the compiled modules are put beside the sources, where Python finds them first (PEP 273);
a Python of another version passes them over, and compiles the sources as before.

``python3 -m buildpack.bytecode SPARK_HOME APP`` is what scripts/setup runs, by the Python that will use it; bin/compile
does the same for a slug.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import py_compile
import re
import tempfile
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from jinja2 import TemplateError

from sparkspace import conf, templates

from .jars import plain
from .log import Step

# Their dates say nothing: a slug is built once and not changed, and what unpacks it may set other dates (PEP 552).
UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH
TESTS = re.compile(r"pyspark/(.*/)?tests/")  # a third of pyspark.zip


def install(home: Path, place: Path, app: Path) -> None:
    """Compile what Python programs and launchers of an app begin with.

    Args:
        home: ``SPARK_HOME``.
        place: the same, where it will run: what tracebacks name.
        app: the app, with the launchers' templates.
    """
    with Step("Compiling Python") as step:
        for path in sorted((home / "python" / "lib").glob("*.zip")):
            if not is_compiled(path):
                compile_zip(path, place / path.relative_to(home))
            step.weigh(path)
        compile_templates(app / templates.FOLDER.name)


def compile_package(folder: Path, place: Path) -> None:
    """Compile all modules of a package that will not be edited.

    Args:
        folder: the package.
        place: the same, where it will run: what tracebacks name.
    """
    compileall.compile_dir(folder, quiet=2, stripdir=folder, prependdir=place, invalidation_mode=UNCHECKED)


def compile_templates(folder: Path) -> None:
    """Compile the templates of conf files; one that is no template is the launchers' to refuse."""
    (folder / templates.COMPILED).mkdir(exist_ok=True)
    environment = templates.environment(folder, property=conf.property_value, regex=re.escape)
    for path in folder.glob("*.j2"):
        with contextlib.suppress(TemplateError):
            environment.get_template(path.name)


def is_compiled(path: Path) -> bool:
    """Whether a zip has modules compiled by a Python of this version."""
    with zipfile.ZipFile(path) as archive:
        first = next((entry for entry in archive.namelist() if entry.endswith(".pyc")), "")
        return bool(first) and archive.read(first).startswith(MAGIC_NUMBER)


def compile_zip(path: Path, place: Path) -> None:
    """Rewrite a zip where it is: each source with its compiled module after it; no tests, and nothing compressed.

    Args:
        path: the zip.
        place: where it will be read.

    Raises:
        OSError, py_compile.PyCompileError: what was there is still there.
    """
    fresh = path.with_suffix(".compiled")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            if TESTS.match(entry.filename) or entry.filename.endswith(".pyc"):
                continue
            content = source.read(entry)
            target.writestr(plain(entry), content)
            if entry.filename.endswith(".py"):
                compiled = zipfile.ZipInfo(f"{entry.filename}c", entry.date_time)
                target.writestr(compiled, _compiled(content, f"{place}/{entry.filename}"))
    fresh.replace(path)


def _compiled(source: bytes, name: str) -> bytes:
    """What Python makes of a module, which will be known by this name in tracebacks."""
    with tempfile.TemporaryDirectory() as scratch:
        module, result = os.path.join(scratch, "m.py"), os.path.join(scratch, "m.pyc")
        Path(module).write_bytes(source)
        py_compile.compile(module, result, name, doraise=True, invalidation_mode=UNCHECKED)
        return Path(result).read_bytes()


def main() -> None:
    """Compile the Python of a Spark that stays where it is, for this Python."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.bytecode", description=main.__doc__)
    parser.add_argument("home", type=Path, help="SPARK_HOME")
    parser.add_argument("app", type=Path, help="the folder of conf-templates")
    given = parser.parse_args()
    install(given.home, given.home.absolute(), given.app)


if __name__ == "__main__":
    main()
