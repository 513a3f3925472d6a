"""The table against the pyspark that is installed, and the form in which it is written."""

from __future__ import annotations

import importlib.util
import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from buildpack import lock, versions


@pytest.fixture(scope="module")
def installed() -> dict[str, str]:
    """Name → version of the jars of the pyspark that is installed, as far as the file names tell."""
    spec = importlib.util.find_spec("pyspark")
    assert spec and spec.origin
    names = (path.name for path in (Path(spec.origin).parent / "jars").glob("*.jar"))
    added = {each.file for each in versions.resolve(metadata.version("pyspark")).jars}
    names = (name for name in names if name not in added)
    return {found[1]: found[2] for name in names if (found := re.fullmatch(r"(.+?)-([0-9].*)\.jar", name))}


@pytest.fixture(scope="module")
def line() -> versions.Line:
    return versions.resolve(metadata.version("pyspark"))


def test_table_agrees_with_the_installed_pyspark(line: versions.Line, installed: dict[str, str]) -> None:
    assert installed[f"spark-core_{line.scala}"] == line.version
    assert installed["hadoop-client-api"] == line.hadoop
    assert installed["scala-library"].startswith(f"{line.scala}.")


def test_no_added_jar_is_there_already(line: versions.Line, installed: dict[str, str]) -> None:
    added = {each.id.split(":")[1] for each in line.jars}
    assert added & set(installed) == set()
    assert not any(name.startswith(("netty-codec", "netty-common", "slf4j", "commons-")) for name in added)


def test_table_is_written_in_one_order() -> None:
    table = versions._table()
    backwards = {**table, "lines": dict(reversed(table["lines"].items()))}
    assert lock.render(backwards) == lock.render(table)
    assert json.loads(lock.render(table)) == table


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        lock.main(["--help"])
    assert caught.value.code == 0
    assert "python3 -m buildpack.lock" in capsys.readouterr().out


def test_version_of_an_unknown_minor_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert lock.main(["9.9.9"]) == 74
    assert "Which Java does Spark 9.9 run on?" in capsys.readouterr().err
