"""Spark, unpacked from the archive of ``pyspark`` to where ``import pyspark`` finds it, without what a slug can miss.

pip would build a package of it first, 500 MB from one end of the disk to the other and back, and then put Spark's own
launchers on PATH before the app's.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from . import jars, natives
from .errors import BuildError
from .families import Family

# The archive's folders, and where its setup.py installs them.
PLACES = {
    "pyspark": "",
    "deps/jars": "jars",
    "deps/bin": "bin",
    "deps/sbin": "sbin",
    "deps/data": "data",
    "deps/licenses": "licenses",
    "deps/examples": "examples/src/main/python",
    "lib": "python/lib",
}
METADATA = "PKG-INFO"
LICENCES = ("LICENSE", "NOTICE")


@dataclass
class Distribution:
    """Where Spark went, and how much of which family was left out, in compressed bytes."""

    home: Path
    left_out: Counter[str] = field(default_factory=Counter)


def unpack(archive: Path, site: Path, unwanted: list[Family], machine: str) -> Distribution:
    """Put the package ``pyspark`` into a ``site-packages``, and ``py4j`` beside it.

    Args:
        archive: ``pyspark-4.3.0.tar.gz``.
        site: the folder; a pyspark that is there is replaced when all has gone well, and not before.
        unwanted: what to leave out.
        machine: whose native libraries to keep, as ``uname -m`` has it.

    Raises:
        BuildError: the archive can't be read to its end, or the disk is full.
    """
    fresh = site / ".pyspark.new"
    shutil.rmtree(fresh, ignore_errors=True)
    distribution = Distribution(site / "pyspark")
    try:
        _extract(archive, fresh, unwanted, machine, distribution)
        _replace(fresh / "pyspark", distribution.home)
        _register("pyspark", fresh / METADATA, site)
        _unpack_py4j(distribution.home, site)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BuildError(f"{archive.name} can't be unpacked into {site}: {error}.", "Build again.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return distribution


def place(name: str) -> str | None:
    """Where a file of the archive goes, from ``SPARK_HOME``; None: nowhere.

    >>> place("pyspark-4.3.0/deps/bin/spark-class"), place("pyspark-4.3.0/pyspark/sql/types.py")
    ('bin/spark-class', 'sql/types.py')
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return None
    inside = "/".join(path.parts[1:])
    if inside in LICENCES:
        return f"licenses/{inside}"
    for folder, target in PLACES.items():
        if inside.startswith(f"{folder}/"):
            return "/".join(filter(None, [target, inside.removeprefix(f"{folder}/")]))
    return None


def _extract(archive: Path, fresh: Path, unwanted: list[Family], machine: str, into: Distribution) -> None:
    home = fresh / "pyspark"
    with tarfile.open(archive) as tar:
        for member, name, content in _files(tar):
            if name.partition("/")[2] == METADATA:
                _write(content, fresh / METADATA, member)
            target = place(name)
            family = next((each for each in unwanted if target and each.has(target)), None)
            if family:
                into.left_out[family.name] += member.size
            elif target:
                _write(content, home / target, member)
    thinning = next((family for family in unwanted if family.natives), None)
    for jar in sorted((home / "jars").rglob("*.jar")):
        if thinning:
            into.left_out[thinning.name] += jars.store(jar, lambda entry: natives.is_foreign(entry, machine))
        else:
            jars.store(jar)


def _files(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str, BinaryIO]]:
    """The plain files of an archive; nothing else is of use in this one."""
    for member in tar:
        content = tar.extractfile(member) if member.isfile() else None
        if content is not None:
            yield member, member.name, content  # type: ignore[misc]  # IO[bytes] in older typesheds


def _write(content: BinaryIO, target: Path, member: tarfile.TarInfo) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    runs = target.parent.name in ("bin", "sbin") or member.mode & 0o100
    target.chmod(0o755 if runs else 0o644)


def _replace(fresh: Path, home: Path) -> None:
    if not (fresh / "bin" / "spark-class").is_file():
        raise EOFError("it has no deps/bin/spark-class")
    if home.exists():
        shutil.rmtree(home)
    fresh.replace(home)


def _unpack_py4j(home: Path, site: Path) -> None:
    """py4j lies beside pyspark in its archive; for ``import py4j`` it has to be a package."""
    source = next((home / "python" / "lib").glob("py4j-*-src.zip"))
    version = source.name.split("-")[1]
    shutil.rmtree(site / "py4j", ignore_errors=True)
    with zipfile.ZipFile(source) as zip:
        zip.extractall(site)
    metadata = site / "py4j" / ".metadata"
    metadata.write_text(f"Metadata-Version: 2.1\nName: py4j\nVersion: {version}\n")
    _register("py4j", metadata, site)
    metadata.unlink()


def _register(package: str, metadata: Path, site: Path) -> None:
    """Say that a package is installed, so that pip neither fetches it again nor takes another for it."""
    lines = metadata.read_text(encoding="utf-8").splitlines()
    version = next(line.partition(":")[2].strip() for line in lines if line.startswith("Version:"))
    for old in site.glob(f"{package}-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"{package}-{version}.dist-info"
    info.mkdir()
    shutil.copyfile(metadata, info / "METADATA")
    (info / "INSTALLER").write_text("sparkspace\n")
    files = sorted(path.relative_to(site) for path in (site / package).rglob("*") if path.is_file())
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, f"{info.name}/RECORD"]))
