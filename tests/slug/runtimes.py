"""The Pythons and Javas of this machine: the newest that a version of Spark runs on."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from buildpack import versions
from buildpack.app import LEAST_JAVA, LEAST_PYTHON
from sparkspace import launch

from .build import STACK


def python_for(line: versions.Line) -> str:
    """The newest Python, pyenv's among them."""
    oldest, newest = (tuple(map(int, each.split("."))) for each in line.python)
    for minor in range(newest[1], max(oldest, LEAST_PYTHON)[1] - 1, -1):
        if found := program(f"3.{minor}"):
            return found
    pytest.skip(f"Spark {line.version} runs on Python {line.python[0]} to {line.python[1]}, and there is none here")


def program(python: str) -> str | None:
    """A Python, as ``3.12``, that environments can be made with."""
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{python}.*/bin/python3"))
    for each in [*found[-1:], f"python{python}"]:
        with contextlib.suppress(OSError):
            if subprocess.run([each, "-c", "import ensurepip"], cwd="/", capture_output=True).returncode == 0:
                return str(each)
    return None


def java_for(line: versions.Line) -> Path:
    """The newest Java."""
    homes = [launch.java_home({"PATH": STACK["PATH"]}), *Path("/usr/lib/jvm").glob("*/")]
    fit = [home for home in homes if launch.java_version(home) in line.java and launch.java_version(home) >= LEAST_JAVA]
    if not fit:
        pytest.skip(f"Spark {line.version} runs on Java {line.java}, and there is none here")
    return max(fit, key=launch.java_version)
