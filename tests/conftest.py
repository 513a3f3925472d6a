"""Fixtures of the fast tests: an environment that means harm, and fake programs to become."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import launchers


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
