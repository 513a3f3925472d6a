"""Conf files: rendered from ``conf-templates/`` to text, then written 0600. No secret ever passes through here."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import archive, ports, redaction
from .config import Dyno, Settings
from .errors import LaunchError

SPARK_FILES = ("spark-defaults.conf", "log4j2.properties")
ZOOKEEPER_FILES = ("zoo.cfg", "log4j2.properties")

# As system properties: networkaddress.cache.ttl is a security property, which -D does not reach (SPARK-27989).
JAVA_OPTIONS = "-Dsun.net.inetaddr.ttl=5 -Dsun.net.inetaddr.negative.ttl=1"

# Java's own, times ten: a start is over before the second compiler's code is of use to it, and has no core for that
# compiler to spare. What is hot in a job reaches these numbers at once (``CompilationPolicy``; ``java
# -XX:+PrintFlagsFinal``, Tier4).
UNHURRIED = " ".join(
    f"-XX:Tier4{name}Threshold={10 * usual}"
    for name, usual in {"Invocation": 5000, "MinInvocation": 600, "Compile": 15_000, "BackEdge": 40_000}.items()
)

Role = Literal["driver", "daemon", "history"]


@dataclass(frozen=True)
class Values:
    """All that a Spark conf file depends on. The memory sizes are a driver's; a daemon's file has none."""

    role: Role
    dyno: Dyno
    settings: Settings
    master_url: str
    master_app_domain: str
    zookeeper_url: str
    driver_memory_mb: int
    executor_memory_mb: int
    executor_cores: int | None  # None: all that its worker has free
    class_archive: archive.Archive  # what lets a JVM begin with Spark's classes ready
    recovery_dir: str  # where this dyno's master keeps its state; empty: nowhere, or in ZooKeeper
    our_jar: bool  # this Spark has the classes of jvm/
    shuffle_port: int  # where this dyno's Worker serves shuffle files
    fallback: str  # where blocks go that no executor can take; empty: nowhere
    magic_committer: bool  # this Spark has the classes that commit to S3 without renaming


def render(values: Values) -> dict[str, str]:
    """File name → text, for every Spark conf file.

    Raises:
        jinja2.UndefinedError: a template uses a name that ``Values`` has not: a bug.
    """
    return _render(
        SPARK_FILES,
        **vars(values),
        redaction=redaction.PATTERN,
        java_options=f"{JAVA_OPTIONS} {UNHURRIED}",
        history_ui_port=ports.HISTORY_UI,
        scratch=os.path.join(tempfile.gettempdir(), "spark-history"),
    )


def zookeeper(dyno: Dyno, settings: Settings, hosts: list[str], data: Path) -> dict[str, str]:
    """File name → text, for a member of our own ensemble.

    Args:
        dyno: the member, which listens at its private address.
        settings: for the level of its log.
        hosts: the DNS names of all members, the first one's first.
        data: the folder of what it keeps.
    """
    return _render(ZOOKEEPER_FILES, dyno=dyno, settings=settings, hosts=hosts, data=str(data), ports=ports)


def _render(names: tuple[str, ...], **context: object) -> dict[str, str]:
    from . import templates  # with jinja2: 50 ms of the processor that master-url does not need

    found = templates.environment(property=property_value)
    return {name: found.get_template(f"{name}.j2").render(context) for name in names}


def property_value(text: str) -> str:
    """Escape ``text`` so that ``java.util.Properties.load`` gives it back.

    Source: the "load" method of docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/Properties.html; Spark
    reads the file as UTF-8 (``Utils.getPropertiesFromFile``).
    """
    escapes = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    escaped = re.sub(r"[\\\n\r\t\f]", lambda match: escapes[match[0]], text)
    return "\\" + escaped if escaped.startswith(" ") else escaped


def properties(text: str) -> dict[str, str]:
    """What a rendered conf file sets, name → value, as Spark reads it: later lines win."""
    escapes = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
    pairs = (line.partition("=") for line in text.split("\n") if line and not line.startswith("#"))
    return {name: re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), value) for name, _, value in pairs}


def write(files: Mapping[str, str], parent: Path | None = None) -> Path:
    """Write ``files`` into a folder named after their content, and return it.

    The same content is the same folder, so two shells of one dyno share it and neither can find it half written.

    Raises:
        LaunchError: the folder can't be written.
    """
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    folder = (parent or Path(tempfile.gettempdir())) / f"sparkspace-conf-{os.getuid()}" / digest
    try:
        for path in (folder.parent, folder):
            path.mkdir(mode=0o700, exist_ok=True)
            _refuse_foreign(path)
        for name, text in files.items():
            _write_private(folder / name, text)
    except OSError as error:
        raise LaunchError(f"Can't write the conf files to {folder}: {error.strerror}") from error
    return folder


def _refuse_foreign(path: Path) -> None:
    """In a /tmp that all share, the name could have been taken by somebody else before us."""
    if path.lstat().st_uid != os.getuid() or path.is_symlink():
        raise LaunchError(f"{path} belongs to somebody else.", f"Remove it, or set TMPDIR: rm -r {path}")


def _write_private(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(temporary, path)
