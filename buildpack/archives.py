"""Making class-data archives: a run of Spark that uses much of it, and a JVM that writes down what it has loaded.

``python3 -m buildpack.archives SPARK_HOME JAVA_HOME`` is what a box runs when it has opened, and scripts/setup for
tests: it makes them where there are none that fit. bin/compile does the same for a slug. Whatever goes wrong is said,
and does no harm: then there is no archive.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sparkspace import archive
from sparkspace.archive import ARCHIVES, CLASS_PATHS, FOLDER, JARS, LAUNCHER, MANIFEST, NONE, Kind, describe, find
from sparkspace.log import notice

from . import cache, jars, scala
from .app import App
from .log import Step

LOCAL = ("--master", "local-cluster[1,1,512]", "--driver-memory", "1g")
TRAININGS: dict[Kind, tuple[Path, tuple[str, ...]]] = {
    "application": (Path(__file__).parent / "training.py", LOCAL),
    "daemon": (Path(__file__).parent / "daemons.py", ()),
}
RECIPE = tuple(
    path.read_text() for path in (Path(__file__), Path(archive.__file__), *(path for path, _ in TRAININGS.values()))
)
TRAINED_WITHIN_S = 600
RUNS_AT = Path("/app")
# What SQL, machine learning and the shell bring: a daemon neither opens it at its start, nor keeps what it lists.
# Not joda-time: the client of S3 that Spark 3.5 has signs with it.
APPLICATIONS_ONLY = re.compile(
    r"(spark-(catalyst|connect|graphx|hive|mllib|pipelines|repl|sql|streaming|udf)|algebra|antlr|antlr4|arpack|arrow|"
    r"breeze|cats|commons-math3|datanucleus|datasketches|derby|derbyshared|derbytools|hive|icu4j|janino|javolution|"
    r"jline|JLargeArrays|JTransforms|jts|lapack|libfb303|libthrift|opencsv|orc|parquet|scala-compiler|spire|"
    r"super-csv|threeten-extra|univocity)[-_]"
)
MASTER = "org.apache.spark.deploy.master.Master"
SUBMIT = "org.apache.spark.deploy.SparkSubmit"
LINKS = (".heroku/python", ".jdk")
MADE = "made"  # a file beside them: what they were made of
MANIFEST_WIDTH = 70  # bytes of a line; what is longer goes on in the next, after a blank


def install(app: App, home: Path, key: str) -> None:
    """Put an archive into a Spark that lies in an app: made once, and kept in the cache.

    Args:
        app: the app, whose files will lie in ``/app``; an archive names its class path.
        home: ``SPARK_HOME``, in the app.
        key: all that decides what that Spark is.
    """
    with _without_harm(), _whole(home), at_its_place(app.folder) as place:
        spark, java_home = place / home.relative_to(app.folder), place / ".jdk"

        def keep(fresh: Path) -> None:
            make(spark, java_home, place / ".heroku" / "python" / "bin" / "python3")
            shutil.copytree(home / FOLDER, fresh, dirs_exist_ok=True)

        kept = cache.tree(app.cache / "archives" / _key(app, home, key), keep)
        with Step("Installing the class-data archive") as step:
            _copy(kept, home / FOLDER)
            step.weigh(home / FOLDER)
            step.detail(_verified(spark, java_home, kept))


def _key(app: App, home: Path, spark: str) -> str:
    """A name for all that decides what an archive holds."""
    release = (app.folder / ".jdk" / "release").read_text()
    parts = [spark, str(home.relative_to(app.folder)), release, *RECIPE]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _copy(kept: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # Java makes archives that can't be written to, not by ourselves either
    shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(cache.NAME))


def _verified(spark: Path, java_home: Path, kept: Path) -> str:
    try:
        return "{} of the {} classes of a JVM come from it".format(*verify(spark, java_home))
    except OSError:
        shutil.rmtree(kept)  # the next build makes another
        raise


@contextlib.contextmanager
def _whole(home: Path) -> Iterator[None]:
    """What is not made to its end is not there."""
    try:
        yield
    except BaseException:
        shutil.rmtree(home / FOLDER, ignore_errors=True)
        raise


@contextlib.contextmanager
def _without_harm() -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        notice(f"There is no class-data archive: {_reason(error)}.", "All works without it; JVMs start slower.")


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    lines = [line for line in error.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"(Error|Exception)\b.*: ", line)] or lines or ["no word"]
    return f"the run ended with {error.returncode}: {telling[-1].strip()}"


def ensure(home: Path, java_home: Path, python: Path) -> None:
    """Make the archives of a Spark, if those that are there are of something else. Who comes meanwhile waits.

    Args:
        home, java_home, python: as in ``make``.

    Raises:
        OSError, subprocess.SubprocessError: they can't be made, and nothing of them is there.
    """
    lock = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest, made = _made_of(home, java_home), home / FOLDER / MADE
        fits = all(find(home, java_home, kind) != NONE for kind in ARCHIVES)
        if not (fits and made.exists() and made.read_text() == digest):
            with _whole(home):
                make(home, java_home, python)
                verify(home, java_home)
                made.write_text(digest)
    finally:
        os.close(lock)


def _made_of(home: Path, java_home: Path) -> str:
    """All that archives depend on: Java compares the path, the size and the date of each jar."""
    jars = [(name, (home / "jars" / name).stat()) for name in _jars(home)]
    parts = [str(home), (java_home / "release").read_text(), *RECIPE]
    parts += [f"{name} {stat.st_size} {int(stat.st_mtime)}" for name, stat in jars]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make(home: Path, java_home: Path, python: Path) -> None:
    """Make the archive of a Spark, in its folder.

    Args:
        home: ``SPARK_HOME``, at the path where it will run.
        java_home: the Java that will run it, likewise.
        python: the Python program that has the package.

    Raises:
        OSError, subprocess.SubprocessError: it can't be made, and nothing of it is there.
    """
    folder = home / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        for kind, name in ARCHIVES.items():
            write_class_path(home, kind)
            with Step(f"Making the class-data archive of {kind}s, by a first run of Spark") as step:
                told = _train(kind, home, java_home, python)
                step.weigh(folder / name)
        (folder / MANIFEST).write_text(json.dumps({**describe(folder, java_home), LAUNCHER: told, JARS: _jars(home)}))
    except BaseException:
        shutil.rmtree(folder)
        raise


def write_class_path(home: Path, kind: Kind) -> None:
    """Write the jar that names the jars of Spark, in the order of their names; for daemons those that they may need.

    Our own is not among them: it would make the archive void whenever it is compiled anew, and Spark finds it anyhow.
    """
    names = _jars(home)
    if kind == "daemon":
        names = [name for name in names if not APPLICATIONS_ONLY.match(name)]
    text = "Class-Path: " + " ".join(f"../jars/{name}" for name in names)
    rest = text[MANIFEST_WIDTH:]
    width = MANIFEST_WIDTH - 1
    lines = [text[:MANIFEST_WIDTH], *(f" {rest[start : start + width]}" for start in range(0, len(rest), width))]
    path = home / FOLDER / CLASS_PATHS[kind]
    with zipfile.ZipFile(path, "w") as jar:
        entry = zipfile.ZipInfo("META-INF/MANIFEST.MF")
        jar.writestr(entry, "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""]))
    os.utime(path, (jars.DATE, jars.DATE))


def _jars(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "jars").glob("*.jar") if path.name != scala.JAR)


def _train(kind: Kind, home: Path, java_home: Path, python: Path) -> list[str]:
    """Run Spark's own spark-submit, but on a class path that has the archive's jar alone.

    Spark would put a folder of conf files after it, and Java 25 uses an archive only where that folder still is.
    What Spark's launcher gives a daemon's JVM comes back: a start need not ask it again.
    """
    folder = home / FOLDER
    with tempfile.TemporaryDirectory(prefix="training-") as scratch:
        env = _env(home, java_home, python, scratch)
        making = f"-XX:ArchiveClassesAtExit={folder / ARCHIVES[kind]} -Xlog:disable"
        script, options = TRAININGS[kind]
        argv = launched(java_home, [SUBMIT, *options, "--driver-java-options", making, str(script)], env)
        argv[argv.index("-cp") + 1] = str(folder / CLASS_PATHS[kind])
        _run(argv, env, scratch)
        return module_options(launched(java_home, [MASTER], env))


def module_options(argv: list[str]) -> list[str]:
    """What is between the heap's size and the class in a command of Spark's launcher (``JavaModuleOptions``)."""
    return argv[argv.index("-cp") + 3 : argv.index(MASTER)]


def _env(home: Path, java_home: Path, python: Path, scratch: str) -> dict[str, str]:
    libraries = [str(python.parent.parent / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
    core = next((home / "jars").glob("spark-core_*.jar"), Path("none"))
    return {
        "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch,
        "SPARK_HOME": str(home), "JAVA_HOME": str(java_home), "PYSPARK_PYTHON": str(python),
        "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": scratch, "SPARK_CONF_DIR": scratch,
        "SPARK_WORKER_DIR": scratch, "PYTHONDONTWRITEBYTECODE": "1", "_SPARK_AUTH_SECRET": secrets.token_hex(32),
        # Spark's scripts, which are gone around, set it for those that they start.
        "SPARK_SCALA_VERSION": core.name.partition("_")[2].partition("-")[0],
        # heroku/python's Python was built for another place, and finds its own library by this alone.
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
    }  # fmt: skip


def launched(java_home: Path, words: list[str], env: Mapping[str, str]) -> list[str]:
    """The command that Spark's bin/spark-class becomes: what its launcher prints, each word with a NUL after it.

    Args:
        words: a class and its arguments.
        env: with ``SPARK_HOME`` and ``SPARK_SCALA_VERSION``.

    Raises:
        OSError: it prints something else.
        subprocess.SubprocessError: it fails.
    """
    launcher = [str(java_home / "bin" / "java"), "-cp", f"{env['SPARK_HOME']}/jars/*", "org.apache.spark.launcher.Main"]
    said = subprocess.run([*launcher, *words], env=env, capture_output=True, text=True, check=True, timeout=60).stdout
    found = said.rpartition("\n")[2].split("\0")[:-1]  # a line that ends comes before, at least an empty one
    if "-cp" not in found:
        raise OSError(f"Spark's launcher prints no command but {said[:200]!r}")
    return found


def _run(argv: list[str], env: Mapping[str, str], folder: str) -> None:
    """Run a program to its end, or for so long; nothing that it has started is left."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, errors="replace",
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            stdout, stderr = process.communicate(timeout=TRAINED_WITHIN_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv[0], stdout, stderr)


def verify(home: Path, java_home: Path) -> tuple[int, int]:
    """How many classes a JVM takes from the archive, and how many it loads, when it only prints a master's help.

    Raises:
        OSError: none.
        subprocess.SubprocessError: Java takes more than a minute for it.
    """
    found = find(home, java_home, "daemon")
    command = [str(java_home / "bin" / "java"), *found.options.split(), "-Xlog:class+load", "-cp", found.class_path]
    said = subprocess.run([*command, MASTER, "--help"], capture_output=True, text=True, timeout=60)
    loaded = [line for line in said.stdout.splitlines() if "source: " in line]
    ours = sum("shared objects file" in line and not re.search(r"\b(java|jdk|sun)\.", line) for line in loaded)
    if not ours:
        raise OSError(f"Java does not use it: {(said.stderr or said.stdout).strip()[:200]}")
    return ours, len(loaded)


@contextlib.contextmanager
def at_its_place(app: Path) -> Iterator[Path]:
    """The folder ``/app``, where a slug will lie, showing the Python and the Java of the one that is being built.

    heroku/python makes a link of this kind for itself. Those that we make, and folders for them, go again.

    Raises:
        OSError: it can't be written, or shows another app.
    """
    with contextlib.ExitStack() as undo:
        for link in LINKS:
            place = RUNS_AT / link
            if not place.exists():
                _make_folder(place.parent, undo)
                place.symlink_to(app / link)
                undo.callback(place.unlink)
            if not place.samefile(app / link):
                raise OSError(f"{place} is another app's")
        yield RUNS_AT


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    if not folder.exists():
        _make_folder(folder.parent, undo)
        folder.mkdir()
        undo.callback(folder.rmdir)


def main() -> None:
    """Make the archives of a Spark that stays where it is, for this Python, if there are none that fit."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.archives", description=main.__doc__)
    parser.add_argument("home", type=Path, help="SPARK_HOME")
    parser.add_argument("java_home", type=Path, help="JAVA_HOME")
    given = parser.parse_args()
    with _without_harm():
        ensure(given.home.absolute(), given.java_home.absolute(), Path(sys.executable))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what has been begun is cleaned up
    main()
