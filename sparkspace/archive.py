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
from dataclasses import dataclass
from pathlib import Path

from .log import event

FOLDER = "archives"  # in SPARK_HOME
CLASS_PATH = "classes.jar"
ARCHIVE = "spark.jsa"
MANIFEST = "archive.json"  # which Java, and how many bytes


@dataclass(frozen=True)
class Archive:
    """What a JVM needs to use an archive: the begin of its class path, and options."""

    class_path: str
    options: str


NONE = Archive("", "")


def find(home: Path, java_home: Path) -> Archive:
    """The archive of a Spark for a Java; ``NONE`` if there is none that fits.

    Java itself checks the rest (the class path; date and size of each jar), says a line on stderr, and goes on without.
    Not so with a file that was cut: Java 17 dies of a SIGBUS. So its size is checked here.
    """
    folder = home / FOLDER
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        fits = manifest == describe(folder, java_home)
    except FileNotFoundError:
        return NONE
    except (OSError, ValueError) as error:
        event("archive-ignored", reason=str(error))
        return NONE
    if not fits:
        event("archive-ignored", folder=str(folder), reason="made-for-another-java-or-cut")
        return NONE
    # -Xlog: the JVM's own warnings go to stdout, where a command's results are. Of cds alone Java 25 says, as an error,
    # that Java's own archive was made without Spark's --add-opens. That does no harm; what does has one more tag.
    quiet = "-Xlog:disable -Xlog:all=warning,cds=off:stderr"
    return Archive(str(folder / CLASS_PATH), f"-XX:SharedArchiveFile={folder / ARCHIVE} {quiet}")


def describe(folder: Path, java_home: Path) -> dict[str, object]:
    """What the manifest of an archive has to say, if the archive is whole and this Java has made it.

    Raises:
        OSError: one of the two has no such file.
    """
    return {"java": (java_home / "release").read_text(), "bytes": (folder / ARCHIVE).stat().st_size}
