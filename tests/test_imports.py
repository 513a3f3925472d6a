"""Imports are a budget: what is started often, or in every dyno, loads only what it needs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from . import launchers


def third_party(arguments: list[str], env: Mapping[str, str]) -> set[str]:
    """The packages beyond Python's own that a Python with these arguments loads before it ends, or execs."""
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", *arguments], env=dict(env), capture_output=True, text=True
    )
    timed = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    packages = {line.rpartition("|")[2].strip().partition(".")[0] for line in timed[1:]}
    others = packages - set(sys.stdlib_module_names) - {"sparkspace"}
    return {name for name in others if importlib.util.find_spec(name)}  # Python 3.11 lists what it did not find, too


def required(file: str) -> set[str]:
    """The packages that a requirements file names."""
    return set(re.findall(r"^[\w-]+", (launchers.ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    ("launcher", "allowed"),
    [
        ("master-url", set()),
        ("console", set()),
        ("spark-master", {"jinja2", "markupsafe"}),
        ("spark-worker", {"jinja2", "markupsafe"}),
    ],
)
def test_launcher_loads_nothing_it_does_not_need(dyno: dict[str, str], launcher: str, allowed: set[str]) -> None:
    # Without an address console ends at once, and with a problem; the others have a fake Spark to become.
    env = {**dyno, "HEROKU_PRIVATE_IP": ""} if launcher == "console" else dyno
    bare = third_party(["-c", "pass"], env)
    assert third_party([str(launchers.ROOT / "bin" / launcher)], env) - bare == allowed


@pytest.mark.parametrize("args", [["status"], ["wait", "--timeout", "1"], ["doctor"], ["conf"]])
def test_command_of_a_dyno_loads_nothing_of_the_box(dyno: dict[str, str], args: list[str]) -> None:
    """A dyno has what requirements.txt names, and not the packages of requirements-box.txt."""
    loaded = third_party([str(launchers.ROOT / "bin" / "sparkspace"), *args], dyno)
    assert loaded & required("requirements-box.txt") == set()


def test_what_attaches_a_command_does_not_load_what_serves_it() -> None:
    """A client of WebSockets is loaded while the dyno starts, and a server never."""
    code = f"import sys; sys.path[:0] = [{str(launchers.ROOT)!r}]; import sparkspace.box.terminal"
    assert "aiohttp" not in third_party(["-c", code], {})
