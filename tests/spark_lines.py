"""An environment for each Spark of the table, with all that sparkspace needs: made once, and kept for the next run."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from buildpack import distribution, families, fetch, scala, versions

from .launchers import ROOT
from .slug.runtimes import java_for, python_for

# Of the lists for development: what drivers, and the tests that are run on another Spark, import.
PACKAGES = ("ipykernel", "pandas", "pexpect", "psutil", "pyarrow", "pytest", "pytest-timeout")
INSTALLED_WITHIN_S = 1200


def others() -> list[object]:
    """Every version of the table but the default, for ``parametrize``."""
    default = versions.default().version
    return [pytest.param(each, marks=pytest.mark.versions) for each in versions.versions() if each != default]


def python_with(version: str, python: str | None = None) -> Path:
    """The Python program of an environment that has this Spark, and our JVM code compiled for it.

    Args:
        version: of the table
        python: a program, the newest that this Spark runs on by default. The test is skipped if there is none.
    """
    line = versions.resolve(version)
    python = python or python_for(line)
    java = java_for(line) / "bin" / "java"
    folder = cache() / f"{version}-{_key(version, python)}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            _make(Path(fresh), python, line)
            Path(fresh, "venv").rename(folder)
    program = folder / "bin" / "python3"
    _compile(spark_home(program), version, java)
    return program


def cache() -> Path:
    """Where environments are kept; they can be removed at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparkspace" / "spark"


def spark_home(python: Path) -> Path:
    """``SPARK_HOME`` of an environment."""
    (found,) = python.parent.parent.glob("lib/python3.*/site-packages/pyspark")
    return found


def linked(home: Path, folder: Path) -> Path:
    """``home`` under another name: a ``local-cluster`` has its executors' folders below ``SPARK_HOME``."""
    folder.mkdir(exist_ok=True)
    for each in home.iterdir():
        if each.name != "work" and not (folder / each.name).exists():  # work: of another local-cluster
            (folder / each.name).symlink_to(each)
    return folder


def clean(version: str) -> dict[str, str]:
    """The environment for programs of ``python_with``: the Java of its Spark, and nothing of these tests' own Spark."""
    ours = ("SPARK", "PYSPARK", "PYTHON", "JAVA", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "JAVA_HOME": str(java_for(versions.resolve(version)))}


def _key(version: str, python: str) -> str:
    parts = [version, python, (ROOT / "requirements.txt").read_text(), *_wanted()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _wanted() -> list[str]:
    """The lines of the lists for development that name the packages."""
    lines = [line for name in ("box", "dev") for line in (ROOT / f"requirements-{name}.txt").read_text().splitlines()]
    found = {re.split(r"[^\w-]", line)[0]: line.partition("#")[0].strip() for line in lines}
    return [found[name] for name in PACKAGES]


def _make(fresh: Path, python: str, line: versions.Line) -> None:
    folder = fresh / "venv"
    subprocess.run([python, "-m", "venv", folder], check=True, cwd="/", timeout=120)
    for wanted in ["-r", str(ROOT / "requirements.txt")], _wanted():  # by itself, for it has checksums
        command = [folder / "bin" / "python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted]
        subprocess.run(command, check=True, cwd="/", timeout=INSTALLED_WITHIN_S)
    [site] = folder.glob("lib/python3.*/site-packages")
    archive = fetch.spark(line, fresh / "fetched")
    distribution.unpack(archive, site, families.unwanted(""), platform.machine())


def _compile(home: Path, version: str, java: Path) -> None:
    stamp = home / "jars" / f"{scala.JAR}.key"
    if not stamp.exists() or stamp.read_text() != scala.key(version):
        scala.compile(home, version, java)
        stamp.write_text(scala.key(version))
