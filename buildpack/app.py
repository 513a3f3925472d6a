"""The app that is built: its folder, and what earlier buildpacks have put into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .versions import Line

# What is read of ENV_DIR. Nothing else there is looked at: its files may have any name and hold anything.
VARS = ("SPARKSPACE_KEEP", "SPARKSPACE_IVY_SETTINGS")
MOST_CHARACTERS = 4096


@dataclass(frozen=True)
class App:
    """Folders of one build, as Heroku's buildpack API hands them over."""

    folder: Path
    cache: Path
    env: dict[str, str]

    @classmethod
    def of(cls, folder: str, cache: str, env_dir: str) -> App:
        """From the arguments of ``bin/compile``.

        Raises:
            BuildError: one of the folders isn't there, or a var can't be read.
        """
        if not Path(folder).is_dir():
            raise BuildError(f"There is no folder {folder!r} to build in.", "bin/compile BUILD_DIR CACHE_DIR ENV_DIR")
        Path(cache).mkdir(parents=True, exist_ok=True)
        found = {name: _var(Path(env_dir) / name) for name in VARS}
        return cls(Path(folder).resolve(), Path(cache).resolve(), {name: text for name, text in found.items() if text})

    def java(self, line: Line) -> Path:
        """The Java program that the buildpack heroku/jvm has put there.

        Raises:
            BuildError: there is none, or it is one that this Spark does not run on.
        """
        program = self.folder / ".jdk" / "bin" / "java"
        wanted = " or ".join(map(str, line.java))
        cure = "heroku buildpacks:add --index 1 heroku/jvm, and java.runtime.version=17 in system.properties"
        if not program.exists():
            raise BuildError(f"There is no Java: Spark {line.version} needs {wanted}.", cure)
        release = program.parent.parent / "release"
        match = re.search(
            r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text() if release.exists() else "", re.MULTILINE
        )
        if match and int(match[1]) not in line.java:
            raise BuildError(f"Spark {line.version} runs on Java {wanted}, but the app has Java {match[1]}.", cure)
        return program

    def site(self, line: Line) -> Path:
        """The ``site-packages`` of the Python that the buildpack heroku/python has put there.

        Raises:
            BuildError: there is none, or it is one that this Spark does not run on.
        """
        lowest, highest = line.python
        cure = f"heroku buildpacks:add --index 1 heroku/python, a requirements.txt, and {highest} in .python-version"
        found = sorted((self.folder / ".heroku" / "python" / "lib").glob("python3.*/site-packages"))
        if not found:
            raise BuildError(f"There is no Python: Spark {line.version} needs {lowest} to {highest}.", cure)
        version = found[0].parent.name.removeprefix("python")
        if not _parts(lowest) <= _parts(version) <= _parts(highest):
            raise BuildError(
                f"Spark {line.version} runs on Python {lowest} to {highest}, but the app has {version}.", cure
            )
        return found[0]


def _var(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")[:MOST_CHARACTERS].strip() if path.is_file() else ""
    except (OSError, ValueError) as error:
        raise BuildError(
            f"The config var {path.name} can't be read: {error}.", f"heroku config:unset {path.name}"
        ) from error


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
