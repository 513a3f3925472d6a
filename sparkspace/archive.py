"""Class-data archives: what a JVM would parse and check of Spark at every start, done once, by the build.

An archive is for one class path and one Java. The class path is a jar without classes, whose manifest names those of
Spark in a fixed order: Spark's own ``jars/*`` is in the order in which a disk lists a folder. That comes after it, as
does whatever a user adds, for the JVM asks only that the class path *begins* as the archive's does
(docs.oracle.com/en/java/javase/17/docs/specs/man/java.html, "Application Class Data Sharing").

``buildpack/archives.py`` makes them. An archive that does not fit is not used, and the start is only slower. Java 25
has a newer kind, the AOT cache (JEP 514). We have none: a driver's first query took 10.7 CPU seconds with one, 11.1
with an archive and 18.6 with neither, and the cache is larger and takes longer to make.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .log import event

FOLDER = "archives"  # in SPARK_HOME
Kind = Literal["application", "daemon"]
CLASS_PATHS: dict[Kind, str] = {"application": "classes.jar", "daemon": "daemons.jar"}
# A JVM maps all of its archive, and a daemon needs a quarter of what a driver, an executor or a history server does.
# So with jars: a JVM opens all of its class path, and keeps in its heap what each lists.
ARCHIVES: dict[Kind, str] = {"application": "spark.jsa", "daemon": "daemons.jsa"}
LAUNCHER = "launcher"
JARS = "jars"
MANIFEST = "archive.json"  # which Java, how many bytes, what Spark's launcher gives a JVM, and which jars there were


@dataclass(frozen=True)
class Archive:
    """What a JVM needs to use an archive: the begin of its class path, and options.

    ``launcher`` is what Spark's own launcher gives every JVM of this version (``--add-opens`` and more). ``rest`` is
    the end of the class path, where that is not all jars of Spark again.
    """

    class_path: str
    options: str
    launcher: tuple[str, ...] = ()
    rest: str = ""


NONE = Archive("", "")


def find(home: Path, java_home: Path, kind: Kind = "application") -> Archive:
    """The archive of a Spark for a Java; ``NONE`` if there is none that fits.

    Java itself checks the rest (the class path; date and size of each jar), says a line on stderr, and goes on without.
    Not so with a file that was cut: Java 17 dies of a SIGBUS. So its size is checked here.
    """
    folder = home / FOLDER
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        launcher, known = tuple(manifest.pop(LAUNCHER, ())), set(manifest.pop(JARS, ()))
        fits = manifest == describe(folder, java_home)
    except FileNotFoundError:
        return NONE
    except (OSError, ValueError, AttributeError, TypeError) as error:
        event("archive-ignored", reason=str(error))
        return NONE
    if not fits:
        event("archive-ignored", folder=str(folder), reason="made-for-another-java-or-cut")
        return NONE
    # -Xlog: the JVM's own warnings go to stdout, where a command's results are. Of cds alone Java 25 says, as an error,
    # that Java's own archive was made without Spark's --add-opens. That does no harm; what does has one more tag.
    quiet = "-Xlog:disable -Xlog:all=warning,cds=off:stderr"
    # Else Java puts an archive at another address each time (JDK-8294323), by which each JVM has a copy of its own of
    # all of it: with this, the processes of a dyno share what they only read.
    shared = "-XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0"
    options = f"-XX:SharedArchiveFile={folder / ARCHIVES[kind]} {shared} {quiet}"
    rest = _unknown(home, known) if kind == "daemon" else ""
    return Archive(str(folder / CLASS_PATHS[kind]), options, launcher, rest)


def _unknown(home: Path, known: set[str]) -> str:
    """The jars that were not there when the archive was made, and our own."""
    names = sorted(name for name in os.listdir(home / "jars") if name.endswith(".jar") and name not in known)
    return os.pathsep.join(f"{home}/jars/{name}" for name in names)


def describe(folder: Path, java_home: Path) -> dict[str, object]:
    """What the manifest of the archives has to say, if they are whole and this Java has made them.

    Raises:
        OSError: a file is not there.
    """
    sizes = {name: (folder / name).stat().st_size for name in ARCHIVES.values()}
    return {"java": (java_home / "release").read_text(), "bytes": sizes}
