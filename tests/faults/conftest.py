"""The table that every test of this folder has its rows in, printed at the end of the run.

With ``FAULTS_TABLE=FILE`` in the environment it is written there as well.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .table import Table

TABLE = Table()


@pytest.fixture
def table() -> Table:
    """The one of this run."""
    return TABLE


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it, and write it where it was asked for."""
    if not TABLE.rows:
        return
    terminalreporter.section("faults")
    terminalreporter.write(TABLE.markdown())
    if "FAULTS_TABLE" in os.environ:
        Path(os.environ["FAULTS_TABLE"]).write_text(TABLE.markdown())
