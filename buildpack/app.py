"""The app that is built: its folder, and what earlier buildpacks have put into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .versions import Line

# What is read of ENV_DIR. Nothing else there is looked at: its files may have any name and hold anything.
IVY_SETTINGS = "SPARKSPACE_IVY_SETTINGS"
VARS = (
    "SPARKSPACE_KEEP",
    "SPARKSPACE_NOTEBOOK",
    "SPARKSPACE_ZEPPELIN_VERSION",
    IVY_SETTINGS,
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
MOST_CHARACTERS = 4096
# The launchers themselves need these, whatever an older Spark runs on.
LEAST_JAVA = 17
LEAST_PYTHON = (3, 10)


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
        env = {name: text for name in VARS if (text := _var(Path(env_dir) / name))}
        if IVY_SETTINGS in env:
            env[IVY_SETTINGS] = str(Path(folder).resolve() / env[IVY_SETTINGS].removeprefix("/app/"))
        ours = Path(cache).resolve() / "sparkspace"  # the other buildpacks have theirs in the same folder
        ours.mkdir(parents=True, exist_ok=True)
        return cls(Path(folder).resolve(), ours, env)

    def java(self, line: Line) -> Path:
        """The Java program that the buildpack heroku/jvm has put there.

        Raises:
            BuildError: there is none, or it is one that this Spark does not run on.
        """
        program = self.folder / ".jdk" / "bin" / "java"
        java = javas(line)
        wanted = " or ".join(map(str, java))
        write = f"Write it into system.properties: java.runtime.version={java[0]}"
        if not program.exists():
            add = "Put Heroku's buildpack for it before this one: heroku buildpacks:add --index 1 heroku/jvm"
            raise BuildError(f"There is no Java: Spark {line.version} needs {wanted}.", f"{add}\n{write}")
        if (found := java_version(program)) and found not in java:
            raise BuildError(f"Spark {line.version} runs on Java {wanted}, but the app has Java {found}.", write)
        return program

    def site(self, line: Line) -> Path:
        """The ``site-packages`` of the Python that the buildpack heroku/python has put there.

        Raises:
            BuildError: there is none, or it is one that this Spark does not run on.
        """
        wanted = pythons(line)
        write = f"Write it into .python-version: {line.python[1]}"
        found = sorted((self.folder / ".heroku" / "python" / "lib").glob("python3.*/site-packages"))
        if not found:
            add = "Put Heroku's buildpack for it before this one: heroku buildpacks:add --index 1 heroku/python"
            needs = "It wants a requirements.txt, which may be empty."
            raise BuildError(f"There is no Python: Spark {line.version} needs {wanted}.", f"{add}\n{needs}\n{write}")
        version = found[0].parent.name.removeprefix("python")
        if not runs_on(line, version):
            raise BuildError(f"Spark {line.version} runs on Python {wanted}, but the app has {version}.", write)
        return found[0]


def _var(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")[:MOST_CHARACTERS].strip() if path.is_file() else ""
    except (OSError, ValueError) as error:
        raise BuildError(
            f"The config var {path.name} can't be read: {error}.", f"heroku config:unset {path.name}"
        ) from error
    if not text.isprintable():
        raise BuildError(f"The config var {path.name} is not one line of text.", f"heroku config:unset {path.name}")
    return text


def java_version(program: Path) -> int:
    """The version of a Java, by the file ``release`` above its program; 0 where that does not say."""
    release = program.parent.parent / "release"
    match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release.read_text() if release.exists() else "", re.MULTILINE)
    return int(match[1]) if match else 0


def javas(line: Line) -> list[int]:
    """The versions of Java that a Spark and the launchers run on."""
    return [version for version in line.java if version >= LEAST_JAVA]


def pythons(line: Line) -> str:
    """The oldest and the newest Python that a Spark and the launchers run on, for a message."""
    return "{}.{} to {}.{}".format(*_pythons(line)[0], *_pythons(line)[1])


def runs_on(line: Line, python: str) -> bool:
    """Whether both run on this Python, ``3.13``."""
    oldest, newest = _pythons(line)
    return oldest <= _parts(python) <= newest


def _pythons(line: Line) -> tuple[tuple[int, int], tuple[int, int]]:
    return max(LEAST_PYTHON, _parts(line.python[0])), _parts(line.python[1])


def _parts(version: str) -> tuple[int, int]:
    major, minor = map(int, version.split("."))
    return major, minor
