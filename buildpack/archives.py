"""Making a class-data archive: a run of Spark that uses much of it, and a JVM that writes down what it has loaded.

``python3 -m buildpack.archives SPARK_HOME JAVA_HOME`` is what scripts/setup runs; bin/compile does the same for a slug.
Whatever goes wrong is said, and does no harm: then there is no archive.
"""

from __future__ import annotations

import argparse
import contextlib
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

from sparkspace.archive import ARCHIVE, CLASS_PATH, FOLDER, MANIFEST, describe, find
from sparkspace.log import notice

from . import cache, jars, scala
from .app import App
from .log import Step

TRAINING = Path(__file__).parent / "training.py"
RECIPE = (Path(__file__).read_text(), TRAINING.read_text())
TRAINED_WITHIN_S = 600
RUNS_AT = Path("/app")
MASTER = "org.apache.spark.deploy.master.Master"
LINKS = (".heroku/python", ".jdk")
MANIFEST_WIDTH = 70  # bytes of a line; what is longer goes on in the next, after a blank


def install(app: App, home: Path, key: str) -> None:
    """Put an archive into a Spark that lies in an app: made once, and kept in the cache.

    Args:
        app: the app, whose files will lie in ``/app``; an archive names its class path.
        home: ``SPARK_HOME``, in the app.
        key: all that decides what that Spark is.
    """
    with _without_harm(home), at_its_place(app.folder) as place:
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
def _without_harm(home: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(home / FOLDER, ignore_errors=True)
        notice(f"There is no class-data archive: {_reason(error)}.", "All works without it; JVMs start slower.")


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    lines = [line for line in error.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"(Error|Exception)\b.*: ", line)] or lines or ["no word"]
    return f"the run ended with {error.returncode}: {telling[-1].strip()}"


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
        with Step("Making the class-data archive, by a first run of Spark") as step:
            write_class_path(home)
            _train(home, java_home, python)
            (folder / MANIFEST).write_text(json.dumps(describe(folder, java_home)))
            step.weigh(folder / ARCHIVE)
    except BaseException:
        shutil.rmtree(folder)
        raise


def write_class_path(home: Path) -> None:
    """Write the jar that names all jars of Spark, in the order of their names.

    Our own is not among them: it would make the archive void whenever it is compiled anew, and Spark finds it anyhow.
    """
    names = sorted(path.name for path in (home / "jars").glob("*.jar") if path.name != scala.JAR)
    text = "Class-Path: " + " ".join(f"../jars/{name}" for name in names)
    rest = text[MANIFEST_WIDTH:]
    width = MANIFEST_WIDTH - 1
    lines = [text[:MANIFEST_WIDTH], *(f" {rest[start : start + width]}" for start in range(0, len(rest), width))]
    path = home / FOLDER / CLASS_PATH
    with zipfile.ZipFile(path, "w") as jar:
        entry = zipfile.ZipInfo("META-INF/MANIFEST.MF")
        jar.writestr(entry, "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""]))
    os.utime(path, (jars.DATE, jars.DATE))


def _train(home: Path, java_home: Path, python: Path) -> None:
    """Run Spark's own spark-submit, but on a class path that has the archive's jar alone.

    Spark would put a folder of conf files after it, and Java 25 uses an archive only where that folder still is.
    """
    folder = home / FOLDER
    with tempfile.TemporaryDirectory(prefix="training-") as scratch:
        env = _env(home, java_home, python, scratch)
        making = f"-XX:ArchiveClassesAtExit={folder / ARCHIVE} -Xlog:disable"
        options = ["--master", "local-cluster[1,1,512]", "--driver-memory", "1g", "--driver-java-options", making]
        argv = _submitting(java_home, [*options, str(TRAINING)], env)
        argv[argv.index("-cp") + 1] = str(folder / CLASS_PATH)
        _run(argv, env, scratch)


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


def _submitting(java_home: Path, arguments: list[str], env: Mapping[str, str]) -> list[str]:
    """The command that Spark's bin/spark-submit becomes: what Spark's launcher prints, each word with a NUL after it.

    Raises:
        OSError: it prints something else.
    """
    launcher = [str(java_home / "bin" / "java"), "-cp", f"{env['SPARK_HOME']}/jars/*", "org.apache.spark.launcher.Main"]
    argv = [*launcher, "org.apache.spark.deploy.SparkSubmit", *arguments]
    said = subprocess.run(argv, env=env, capture_output=True, text=True, check=True, timeout=60).stdout
    words = said.rpartition("\n")[2].split("\0")[:-1]  # a line that ends comes before, at least an empty one
    if "-cp" not in words:
        raise OSError(f"Spark's launcher prints no command but {said[:200]!r}")
    return words


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
    found = find(home, java_home)
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
    """Make the archive of a Spark that stays where it is, for this Python."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.archives", description=main.__doc__)
    parser.add_argument("home", type=Path, help="SPARK_HOME")
    parser.add_argument("java_home", type=Path, help="JAVA_HOME")
    given = parser.parse_args()
    with _without_harm(given.home):
        make(given.home, given.java_home, Path(sys.executable))
        verify(given.home, given.java_home)


if __name__ == "__main__":
    main()
