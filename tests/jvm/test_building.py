"""What is compiled for which Spark, and who starts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildpack import scala, versions
from buildpack.errors import BuildError
from sparkspace.code import jvm

from ..launchers import fake_java


@pytest.mark.parametrize("version", versions.versions())
def test_each_version_has_one_loop(version: str) -> None:
    names = [path.name for path in scala.sources(version)]
    assert names.count("HotLoop.scala") == 1
    assert len(names) == len(set(names)) > 8


def test_the_key_changes_with_the_sources() -> None:
    assert scala.key("4.0.5") != scala.key("4.3.0") == scala.key("4.2.1")


def test_a_compiler_that_says_no_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "jars").mkdir()
    java = fake_java(tmp_path / "java") / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'Shell.scala:1: error: not found'\nexit 1\n")
    with pytest.raises(BuildError, match="does not compile.*\n.*error: not found"):
        scala.compile(tmp_path, "4.3.0", java)


def test_the_same_classes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("b/B.class", "a/A.class"):
        (tmp_path / "classes" / name).parent.mkdir(parents=True)
        (tmp_path / "classes" / name).write_text(name)
    first, second = (scala._pack(tmp_path / "classes", tmp_path / name) for name in ("1.jar", "2.jar"))
    assert first == second


@pytest.mark.parametrize(
    ("named", "there", "found"),
    [
        ("", ["target/classes", "target/scala-2.13/classes"], ["target/classes"]),
        ("", ["target/scala-2.13/classes", "target/scala-2.12/classes"], ["target/scala-2.13/classes"]),
        ("", ["target/scala-3/classes"], ["target/scala-3/classes"]),
        ("", [*jvm.GRADLE], [*jvm.GRADLE]),
        ("", ["build/classes/java/main"], ["build/classes/java/main"]),
        ("", [], []),
        ("out/a:/b", ["target/classes"], ["out/a", "/b"]),
    ],
)  # fmt: skip
def test_where_classes_are_looked_for(tmp_path: Path, named: str, there: list[str], found: list[str]) -> None:
    for name in there:
        (tmp_path / name).mkdir(parents=True)
    env = {"SPARKSPACE_CLASS_DIR": named} if named else {}
    assert jvm.class_dirs(env, tmp_path) == [tmp_path / name for name in found]
