"""Where compilers put classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# Maven; sbt, of Scala 2.13; Gradle, of Java, Scala and Kotlin.
CLASS_FOLDERS = (
    "target/classes",
    "target/scala-2.13/classes",
    "build/classes/java/main",
    "build/classes/scala/main",
    "build/classes/kotlin/main",
    "build/resources/main",
)


def class_folders(env: Mapping[str, str], app: Path) -> list[Path]:
    """The folders of compiled classes: those that ``SPARKSPACE_CLASS_DIR`` names, or else those that are there."""
    named = [Path(text) for text in env.get("SPARKSPACE_CLASS_DIR", "").split(":") if text]
    return [app / each for each in named] or [app / each for each in CLASS_FOLDERS if (app / each).is_dir()]
