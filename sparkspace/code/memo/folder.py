"""Files below a URL: on a disk that is here, by Python itself; anywhere else by Hadoop, in the driver's JVM."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class File(NamedTuple):
    """``stamp`` changes when the content does: an ETag (``is_content``: only then), or the time it was written."""

    size: int
    stamp: str
    written_ms: int
    is_content: bool = False


class Folder(Protocol):
    """What is below ``url``; paths are relative to it, with slashes."""

    url: str

    def files(self, path: str = "") -> dict[str, File]:
        """Every file below ``path``, however deep; a file itself has the name ``""``. None if there is nothing."""

    def read(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError."""

    def write(self, path: str, content: bytes) -> None:
        """Make a file, or replace it, at once: nobody ever reads a part of it."""

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it, if it is there."""


class Local:
    """A folder of this machine."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.url = "file://" + quote(self.path)

    def files(self, path: str = "") -> dict[str, File]:
        """As ``Folder`` says."""
        base = os.path.join(self.path, path) if path else self.path
        found: dict[str, File] = {}
        waiting = [(base, "")]
        while waiting:
            folder, prefix = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.is_dir():
                            waiting.append((entry.path, f"{prefix}{entry.name}/"))
                        else:
                            found[prefix + entry.name] = _file(entry.stat())
            except FileNotFoundError:
                continue  # it went away, or was never there
            except NotADirectoryError:
                found[""] = _file(os.stat(folder))
        return found

    def read(self, path: str) -> bytes:
        """As ``Folder`` says."""
        return Path(self.path, path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """As ``Folder`` says."""
        target = Path(self.path, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        """As ``Folder`` says."""
        target = Path(self.path, path)
        if target.is_dir():
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)
            target.with_name(f".{target.name}.crc").unlink(missing_ok=True)  # Hadoop's
        with contextlib.suppress(OSError):  # not empty
            target.parent.rmdir()


def _file(stat: os.stat_result) -> File:
    return File(stat.st_size, str(stat.st_mtime_ns), stat.st_mtime_ns // 1_000_000)


class Hadoop:
    """A folder of any file system that Hadoop knows."""

    def __init__(self, spark: SparkSession, url: str) -> None:
        self.url = url.rstrip("/")
        self._jvm = cast(Any, spark._jvm)
        self._path = self._jvm.org.apache.hadoop.fs.Path
        self._conf = spark._jsparkSession.sessionState().newHadoopConf()
        self._fs = self._path(self.url).getFileSystem(self._conf)

    def files(self, path: str = "") -> dict[str, File]:
        """As ``Folder`` says. A flat listing: one request for a thousand objects of a bucket."""
        base = self._path(f"{self.url}/{path}" if path else self.url)
        if not self._fs.exists(base):
            return {}
        prefix = self._fs.makeQualified(base).toString()
        listing = self._fs.listFiles(base, True)
        found = {}
        while listing.hasNext():
            status = listing.next()
            name = status.getPath().toString().removeprefix(prefix).lstrip("/")
            found[name] = self._file(status)
        return found

    def _file(self, status: Any) -> File:  # noqa: ANN401
        written = int(status.getModificationTime())
        is_tagged = hasattr(status, "getEtag") and "S3A" in status.getClass().getSimpleName()
        tag = status.getEtag() if is_tagged else None
        return File(int(status.getLen()), str(tag or written), written, bool(tag))

    def read(self, path: str) -> bytes:
        """As ``Folder`` says."""
        target = self._path(f"{self.url}/{path}" if path else self.url)
        if not self._fs.exists(target):
            raise FileNotFoundError(target.toString())
        stream = self._fs.open(target)
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, path: str, content: bytes) -> None:
        """As ``Folder`` says. An object of a bucket appears when it is complete; a file is renamed."""
        target = self._path(f"{self.url}/{path}")
        is_bucket = self._fs.getScheme() in ("s3a", "s3", "s3n")
        temporary = target if is_bucket else self._path(f"{self.url}/{path}.{uuid.uuid4().hex}")
        stream = self._fs.create(temporary, True)
        stream.write(bytearray(content))
        stream.close()
        if not is_bucket:
            self._fs.delete(target, False)
            self._fs.rename(temporary, target)

    def remove(self, path: str) -> None:
        """As ``Folder`` says, with uploads to a bucket that were never completed: nobody sees them, and they cost."""
        self._remover.delete(self._path(f"{self.url}/{path}"), True)

    @functools.cached_property
    def _remover(self) -> Any:  # noqa: ANN401
        # HADOOP-18695; Hadoop 3.3, which Spark 3.5 has, doesn't know it.
        self._conf.setBoolean("fs.s3a.directory.operations.purge.uploads", True)
        return self._jvm.org.apache.hadoop.fs.FileSystem.newInstance(self._path(self.url).toUri(), self._conf)

    def glob(self) -> list[str]:
        """The URLs that match, if this folder's own is a pattern."""
        found = self._fs.globStatus(self._path(self.url)) or []
        return [status.getPath().toString() for status in found]


def at(spark: SparkSession, url: str) -> Local | Hadoop:
    """The folder at a URL or path; a path without a scheme is the default file system's."""
    parts = urlsplit(url)
    if not parts.scheme and not str(spark._jsc.hadoopConfiguration().get("fs.defaultFS")).startswith("file:"):
        return Hadoop(spark, url)
    is_local = parts.scheme in ("", "file")
    return Local(unquote(parts.path) if parts.scheme else url) if is_local else Hadoop(spark, url)
