"""Spark and its client for S3, put where ``import pyspark`` finds them: fetched once, and kept in the cache.

``python3 -m buildpack.install SITE CACHE JAVA`` is what scripts/setup runs; bin/compile does the same for a slug.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sparkspace.log import notice

from . import app, cache, distribution, families, fetch, jars, versions
from .errors import BuildError
from .families import Family
from .log import Step
from .versions import Line

HERE = Path(__file__).parent
# What a kept tree depends on, besides its line, its families and its machine.
MAKERS = ("distribution.py", "jars.py", "natives.py", "install.py")


def install(line: Line, site: Path, folder: Path, java: Path, unwanted: list[Family], env: Mapping[str, str]) -> Path:
    """Put Spark into a ``site-packages``.

    Args:
        line: the version.
        site: the folder of the Python that will run it.
        folder: the cache, which may outlive the build; what is found there is checked before it is used.
        java: a Java program, for Ivy.
        unwanted: families to leave out.
        env: what the clients that fetch get for their environment.

    Returns:
        ``SPARK_HOME``.

    Raises:
        BuildError: something can't be fetched, or is not what it should be; what was in ``site`` is still there.
    """

    def make(fresh: Path) -> None:
        _make(line, fresh, folder, java, unwanted, env)

    try:
        kept = cache.tree(folder / "spark" / key(line, unwanted), make)
        with Step(f"Installing Spark {line.version}") as step:
            cache.copy(kept, site)
            step.weigh(site / "pyspark")
        return site / "pyspark"
    except OSError as error:
        free = shutil.disk_usage(folder if folder.exists() else site).free / 1e6
        raise BuildError(
            f"Spark {line.version} can't be installed: {error}.",
            f"It takes 3,000 MB for a moment and 1,200 MB for good; {folder} has {free:,.0f} MB free.",
        ) from error


def key(line: Line, unwanted: list[Family]) -> str:
    """A name for all that decides what a tree holds."""
    parts = [repr(line), repr(unwanted), platform.machine(), *((HERE / name).read_text() for name in MAKERS)]
    return f"{line.version}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def _make(line: Line, fresh: Path, folder: Path, java: Path, unwanted: list[Family], env: Mapping[str, str]) -> None:
    with Step(f"Fetching Spark {line.version}") as step:
        archive = fetch.spark(line, folder, env=env)
        step.weigh(archive)
    with Step("Unpacking it, without what a standalone cluster never loads") as step:
        made = distribution.unpack(archive, fresh, unwanted, platform.machine())
        step.weigh(made.home)
    for name, size in made.left_out.most_common():
        step.detail(f"left out {size / 1e6:6.1f} MB  {name}")
    with Step("Fetching the client for S3") as step:
        place = made.home / "jars"
        for jar in fetch.jars(line, folder, next(place.glob("ivy-*.jar")), java, env=env):
            jars.store(Path(shutil.copy(jar, place)))
            step.weigh(place / jar.name)
    shutil.rmtree(archive.parent)  # the tree is all that a next build needs


def check(line: Line, python: str, java: int) -> None:
    """Compare the Python of ``.venv``, as ``3.13``, and the machine's Java with those that a Spark runs on.

    Raises:
        BuildError: it is another Python. Of another Java there is a word: of those between two of ours, most do.
    """
    if not app.runs_on(line, python):
        newest = f"python{line.python[1]}"
        raise BuildError(
            f"Spark {line.version} runs on Python {app.pythons(line)}, but .venv has {python}.",
            f"Make one with another: rm -r .venv && {newest} -m venv .venv && scripts/setup\n"
            f"Or write another version into {versions.FILE}. There are {', '.join(versions.versions())}.",
        )
    if java and java not in (fit := app.javas(line)):
        wanted = " or ".join(map(str, fit))
        notice(f"Spark {line.version} is made for Java {wanted}, and this is Java {java}. Another: set JAVA_HOME.")


def main() -> None:
    """Install the version of this folder's ``.spark.version``, or the default."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.install", description=main.__doc__)
    parser.add_argument("site", type=Path, help="the site-packages of the Python that will run Spark")
    parser.add_argument("cache", type=Path, help="a folder to keep what is fetched in")
    parser.add_argument("java", type=Path, help="a Java program")
    given = parser.parse_args()
    try:
        line = versions.requested(HERE.parent)
        check(line, "{}.{}".format(*sys.version_info), app.java_version(given.java.resolve()))
        keep = os.environ.get("SPARKSPACE_KEEP", "")
        unwanted = families.unwanted(keep)
        notice(*families.in_vain(keep))
        install(line, given.site, given.cache, given.java, unwanted, os.environ)
    except BuildError as error:
        notice(*error.lines())
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
