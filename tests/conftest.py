"""Fixtures of more than one room: an environment that means harm, fake programs to become, a real cluster, and the
table of faults. With ``FAULTS_TABLE=FILE`` in the environment that is written there, too.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import launchers
from .faults.table import Row, Table

if TYPE_CHECKING:
    from .box.conftest import Box

TABLE = Table()
TESTS = Path(__file__).resolve().parent
# Folders whose tests share what takes long to make. Elsewhere a file stays together, for the sake of its own fixtures.
TOGETHER = ("faults", "heroku_cli", "s3", "slug")


def pytest_configure() -> None:
    """A shell that runs the tests in the background has both ignored in all of them, and they are what some test."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests one of several processes has to run together (pytest-xdist, ``--dist loadgroup``)."""
    for item in items:
        path = item.path.relative_to(TESTS)
        group = path.parts[0] if path.parts[0] in TOGETHER else str(path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is marked as a fault has a row."""
    report = yield
    mark = item.get_closest_marker("fault")
    if mark and call.when == "call":
        TABLE.row(*mark.args).right = report.passed
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes hands on its part of the table of faults."""
    if output := getattr(session.config, "workeroutput", None):
        output["faults"] = [dataclasses.asdict(row) for row in TABLE.rows]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401
    """The process that prints the table takes it."""
    TABLE.rows += [Row(**row) for row in getattr(node, "workeroutput", {}).get("faults", [])]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of faults."""
    if not TABLE.rows:
        return
    terminalreporter.section("faults")
    terminalreporter.write(TABLE.markdown())
    if "FAULTS_TABLE" in os.environ:
        Path(os.environ["FAULTS_TABLE"]).write_text(TABLE.markdown())


@pytest.fixture
def table() -> Table:
    """The faults of this run."""
    return TABLE


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """The hostile environment of a shell that is not in a dyno."""
    folder = tmp_path / "poison"
    folder.mkdir()
    return launchers.poison(folder)


@pytest.fixture
def dyno(outside: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The hostile environment of a dyno that has a secret, a fake Java and a fake Spark."""
    return {
        **outside,
        **launchers.FACTS,
        "SPARKSPACE_SECRET": launchers.SECRET,
        "JAVA_HOME": str(launchers.fake_java(tmp_path / "java")),
        "SPARK_HOME": str(launchers.fake_spark(tmp_path / "spark")),
    }


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a master and two workers, for all tests that leave it as they found it."""
    from .box.conftest import copy_of_repository  # pytest itself has to be the first to import a conftest

    box = copy_of_repository(tmp_path_factory.mktemp("cluster") / "repository")
    box("up", "--detach", "--masters", "1", "--workers", "2", env={"SPARK_MASTERS": "1"})
    try:
        box("wait", "--workers", "2", "--timeout", "180")
        yield box
    finally:
        box("down")
