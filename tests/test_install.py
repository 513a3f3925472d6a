"""What scripts/setup installs Spark with: which Python and Java it takes, before it fetches anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from buildpack import install, versions
from buildpack.errors import BuildError

from .launchers import fake_java


@pytest.mark.parametrize("version", versions.versions())
def test_the_oldest_and_the_newest_python_will_do(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = versions.resolve(version)
    for python in (max(line.python[0], "3.10", key=minor), line.python[1]):
        install.check(line, python, 17)
    assert capsys.readouterr() == ("", "")


def minor(python: str) -> int:
    return int(python.partition(".")[2])


@pytest.mark.parametrize(
    ("version", "python"), [("3.5.9", "3.12"), ("4.0.5", "3.14"), ("4.1.4", "3.9"), ("4.3.0", "3.10")]
)
def test_another_python_is_refused(version: str, python: str) -> None:
    line = versions.resolve(version)
    with pytest.raises(
        BuildError, match=f"Spark {version} runs on Python 3.* to {line.python[1]}, but .* {python}"
    ) as no:
        install.check(line, python, 17)
    assert f"python{line.python[1]} -m venv .venv && scripts/setup" in no.value.cure
    assert ".spark.version" in no.value.cure


@pytest.mark.parametrize(("version", "java", "fit"), [("3.5.9", 21, "17"), ("4.1.4", 25, "17 or 21")])
def test_another_java_is_worth_a_word(version: str, java: int, fit: str, capsys: pytest.CaptureFixture[str]) -> None:
    install.check(versions.resolve(version), "3.11", java)
    said = f"Spark {version} is made for Java {fit}, and this is Java {java}. Another: set JAVA_HOME."
    assert capsys.readouterr() == ("", f" !     {said}\n")


def test_nothing_is_fetched_for_a_python_that_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    java = fake_java(tmp_path / "java") / "bin" / "java"
    monkeypatch.setattr(sys, "argv", ["install", *(str(tmp_path / name) for name in ("site", "cache")), str(java)])
    monkeypatch.setattr(sys, "version_info", (3, 15, 0))
    with pytest.raises(SystemExit) as ended:
        install.main()
    assert ended.value.code == BuildError.exit_code
    assert "but .venv has 3.15." in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
