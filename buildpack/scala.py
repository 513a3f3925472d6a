"""The project's own JVM code, compiled for the Spark that it is put into, by the Scala compiler among Spark's jars.

That compiler runs on a mere JRE, and is of the right Scala. It is private API of Spark that is compiled against, so a
jar is for one version: ``python3 -m buildpack.scala SPARK_HOME JAVA`` is what scripts/setup runs, and bin/compile does
the same for a slug.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from sparkspace.log import notice

from . import jars
from .app import App
from .errors import BuildError
from .log import Step

SOURCES = Path(__file__).resolve().parent.parent / "jvm"
JAR = "sparkspace-jvm.jar"
COMPILED_WITHIN_S = 300
# A compiler that runs for seconds: little is gained by optimizing it.
JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx768m", "-Xss4m")


def sources(version: str) -> list[Path]:
    """What is compiled for a version of Spark: the shell's loop is another in some, and some is for newer ones alone.

    Args:
        version: ``4.3.0``
    """
    line = tuple(map(int, version.split(".")[:2]))
    loop = max((folder for folder in SOURCES.glob("loop-*") if _line(folder) <= line), key=_line)
    since = [folder for folder in SOURCES.glob("since-*") if _line(folder) <= line]
    folders = [SOURCES / "main", SOURCES / "recovery", *since, loop]
    return sorted(path for folder in folders for path in folder.glob("*.scala"))


def _line(folder: Path) -> tuple[int, ...]:
    return tuple(map(int, folder.name.partition("-")[2].split(".")))


def key(version: str) -> str:
    """A name for all that decides what the jar holds, besides Spark itself."""
    parts = [Path(__file__).read_bytes(), *(path.read_bytes() for path in sources(version))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def install(app: App, home: Path, version: str, java: Path) -> None:
    """Put the jar into a Spark that lies in an app: compiled once, and kept in the cache.

    Raises:
        BuildError: it can't be compiled.
    """
    kept = app.cache / "jvm" / f"{version}-{key(version)}.jar"
    if not kept.exists():
        compile(home, version, java)
        kept.parent.mkdir(parents=True, exist_ok=True)
        for other in kept.parent.iterdir():
            other.unlink()
        kept.write_bytes((home / "jars" / JAR).read_bytes())
    _put(kept.read_bytes(), home)


def compile(home: Path, version: str, java: Path) -> None:
    """Compile the jar, and put it among Spark's.

    Args:
        home: ``SPARK_HOME``.
        version: of that Spark.
        java: a Java program, of a JRE or JDK.

    Raises:
        BuildError: the compiler says no, or does not end.
    """
    (home / "jars" / JAR).unlink(missing_ok=True)  # else it would be on the class path
    with Step("Compiling hot deploy and recovery") as step, tempfile.TemporaryDirectory(prefix="scala-") as folder:
        out = Path(folder, "classes")
        out.mkdir()
        _run_compiler(home, java, ["-d", str(out), *map(str, sources(version))])
        _put(_pack(out, Path(folder, JAR)), home)
        step.weigh(home / "jars" / JAR)


def _run_compiler(home: Path, java: Path, arguments: list[str]) -> None:
    argv = [
        str(java),
        *JAVA_OPTIONS,
        "-cp",
        f"{home}/jars/*",
        "scala.tools.nsc.Main",
        "-usejavacp",
        "-nowarn",
        *arguments,
    ]
    env = {name: value for name, value in os.environ.items() if name not in ("CLASSPATH", "JAVA_TOOL_OPTIONS")}
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=COMPILED_WITHIN_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(
            f"The Scala compiler of {home} did not run: {error}.", f"Try by hand: {argv[0]} -version"
        ) from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise BuildError(
            f"The JVM code of sparkspace does not compile for the Spark in {home}:\n{said[:2000]}",
            "It is made for the versions that buildpack/versions.json lists; name one of them in .spark.version.",
        )


def _pack(classes: Path, jar: Path) -> bytes:
    """The same classes give the same bytes: names in order, one date."""
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(path for path in classes.rglob("*") if path.is_file()):
            target.writestr(zipfile.ZipInfo(str(path.relative_to(classes))), path.read_bytes())
    return jar.read_bytes()


def _put(content: bytes, home: Path) -> None:
    jar = home / "jars" / JAR
    jar.unlink(missing_ok=True)
    jar.write_bytes(content)
    os.utime(jar, (jars.DATE, jars.DATE))


def version_of(home: Path) -> str:
    """The version of a Spark, from the name of its core jar.

    Raises:
        BuildError: there is no Spark.
    """
    found = [
        re.fullmatch(r"spark-core_[\d.]+-(\d+\.\d+\.\d+)\.jar", path.name)
        for path in (home / "jars").glob("spark-core_*")
    ]
    if len(found) != 1 or not found[0]:
        raise BuildError(f"There is no Spark in {home}.", "Install it: rm .venv/spark && scripts/setup")
    return found[0][1]


def main() -> None:
    """Compile for a Spark that stays where it is."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.scala", description=main.__doc__)
    parser.add_argument("home", type=Path, help="SPARK_HOME")
    parser.add_argument("java", type=Path, help="a Java program")
    given = parser.parse_args()
    try:
        compile(given.home, version_of(given.home), given.java)
    except BuildError as error:
        notice(*error.lines())
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
