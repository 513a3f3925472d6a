"""The sessions that have asked for what is pushed, and what has been pushed to each. In the class server's memory."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...errors import SparkspaceError
from .. import tree
from ..size import TOO_LARGE, mb
from ..tree import Entry
from .blobs import Blobs
from .manifest import Json

FORGOTTEN_AFTER_S = 300.0  # a driver shows every 20 s that it is there (Pushed)
MOST_SESSIONS = 200
MOST_VERSIONS = 10  # of a session: a job that runs may still load classes of one that is not the newest
MOST_BYTES = 1024 * 1024 * 1024  # of all that is pushed
MOST_DRIVERS = 1000  # of a session
KEPT_FOR_S = 600.0  # of what has been sent, and not yet committed
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


def is_session(name: str) -> bool:
    """Whether a session can be called so."""
    return bool(_NAME.fullmatch(name))


@dataclass(frozen=True)
class Version:
    """What was pushed: ``digest`` is its name. ``at`` is a Unix time."""

    digest: str
    files: Mapping[str, Entry] = field(repr=False)
    by: str
    at: float


@dataclass
class Session:
    """A name that drivers of one release asked for. ``drivers``: dyno → when it asked last, and what it runs."""

    name: str
    app: str
    release: str
    id: str
    drivers: dict[str, tuple[float, str]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)  # the newest last

    @property
    def head(self) -> Version | None:
        """What it is to use; None: nothing has been pushed."""
        return self.versions[-1] if self.versions else None

    def as_json(self) -> Json:
        """For people and programs."""
        head = self.head
        return {
            "name": self.name,
            "app": self.app,
            "release": self.release,
            "drivers": [
                {"dyno": dyno, "runs": runs, "seen": round(at, 3)} for dyno, (at, runs) in sorted(self.drivers.items())
            ],
            "version": head.digest if head else "",
            "files": len(head.files) if head else 0,
            "by": head.by if head else "",
            "at": round(head.at, 3) if head else 0,
        }


class NotOpen(SparkspaceError):
    """Nobody has asked for what is pushed to this name."""


class OtherRelease(SparkspaceError):
    """The name belongs to drivers of another release by now."""


class TooMuch(SparkspaceError):
    """More than a version may have."""


class Sessions:
    """All of them, by name."""

    def __init__(self, blobs: Blobs, clock: Callable[[], float] = time.time) -> None:
        self._blobs = blobs
        self._clock = clock
        self._lock = threading.RLock()
        self._all: dict[str, Session] = {}
        self._index: dict[str, Version] | None = None  # None: not made since versions came or went
        self._pending: dict[str, float] = {}  # content → when it came, before a version has it

    def all(self) -> list[Session]:
        """Those that are open."""
        with self._lock:
            self._forget()
            return [self._all[name] for name in sorted(self._all)]

    def versions(self) -> dict[str, Version]:
        """Digest → version, of all that sessions have."""
        with self._lock:
            return {version.digest: version for session in self._all.values() for version in session.versions}

    def version(self, digest: str) -> Version | None:
        """The version of this name; None: no session has it. Executors ask for it with each class."""
        with self._lock:
            if self._index is None:
                self._index = self.versions()
            return self._index.get(digest)

    def open(self, name: str, app: str, release: str, dyno: str) -> Session:
        """A driver asks for what is pushed to ``name``. One of another release begins anew, with nothing.

        Raises:
            TooMuch: there are too many.
        """
        with self._lock:
            self._forget()
            found = self._all.get(name)
            if found is None or (found.app, found.release) != (app, release):
                if found is None and len(self._all) >= MOST_SESSIONS:
                    raise TooMuch(f"{MOST_SESSIONS} sessions are open, and that is the limit.")
                found = self._all[name] = Session(name, app, release, secrets.token_hex(8))
                self._index = None
            if dyno not in found.drivers and len(found.drivers) >= MOST_DRIVERS:
                raise TooMuch(f"{MOST_DRIVERS} drivers have opened {name}, and that is the limit.")
            found.drivers[dyno] = (self._clock(), "")
            return found

    def seen(self, name: str, id: str, dyno: str, runs: str) -> Session | None:
        """A driver asks again, and says what it ``runs``. None: it has to open its session first.

        Raises:
            OtherRelease: drivers of another release have opened the name since.
        """
        with self._lock:
            found = self._all.get(name)
            if found and found.id != id:
                raise OtherRelease(f"{name} belongs to drivers of release {found.release or 'unknown'} by now.")
            if found is None or dyno not in found.drivers:
                return None
            found.drivers[dyno] = (self._clock(), runs)
            return found

    def close(self, name: str, id: str, dyno: str) -> None:
        """A driver is done. What was pushed goes with the last one."""
        with self._lock:
            found = self._all.get(name)
            if found and found.id == id:
                found.drivers.pop(dyno, None)
                if not found.drivers:
                    del self._all[name]
                    self._index = None
                    self._clean()

    def push(self, name: str, files: Mapping[str, Entry], sent: Mapping[str, bytes], by: str) -> list[str]:
        """Keep what was ``sent``, and have the session use ``files`` as soon as all is here. Returns what is missing.

        Raises:
            NotOpen: nobody asked for it.
            TooMuch: it is too large.
        """
        refuse_too_much(files)
        with self._lock:
            self._session(name)
            self._pending.update(dict.fromkeys((entry.sha256 for entry in files.values()), self._clock()))
        if sum(map(len, sent.values())) + self._blobs.size > MOST_BYTES:
            raise TooMuch(f"The class server has {mb(MOST_BYTES)} already. Try again in {KEPT_FOR_S / 60:g} minutes.")
        for sha256, content in sent.items():
            self._blobs.put(sha256, content)
        with self._lock:
            missing = sorted({entry.sha256 for entry in files.values() if not self._blobs.has(entry)})
            if not missing:
                self._commit(self._session(name), files, by)
            self._clean()
        return missing

    def _session(self, name: str) -> Session:
        self._forget()
        if name not in self._all:
            raise NotOpen(f"No session {name[:80]!r} is open.")
        return self._all[name]

    def _commit(self, session: Session, files: Mapping[str, Entry], by: str) -> None:
        digest = tree.digest(files)
        if session.head is None or session.head.digest != digest:
            others = [version for version in session.versions if version.digest != digest]
            session.versions = [*others, Version(digest, dict(files), by, self._clock())][-MOST_VERSIONS:]
            self._index = None

    def _forget(self) -> None:
        """Drivers that ended without a word."""
        limit = self._clock() - FORGOTTEN_AFTER_S
        for session in list(self._all.values()):
            for dyno in [dyno for dyno, (at, _) in session.drivers.items() if at < limit]:
                self.close(session.name, session.id, dyno)

    def _clean(self) -> None:
        """Remove what no version has, once its push has had time to be completed."""
        limit = self._clock() - KEPT_FOR_S
        self._pending = {sha256: at for sha256, at in self._pending.items() if at >= limit}
        used = {entry.sha256 for version in self.versions().values() for entry in version.files.values()}
        self._blobs.keep(used | self._pending.keys())


def refuse_too_much(files: Mapping[str, Entry]) -> None:
    """Refuse what is more than would be shipped, either.

    Raises:
        TooMuch: it is.
    """
    total = sum(entry.size for entry in files.values())
    if total > TOO_LARGE:
        raise TooMuch(f"{mb(total)} would be pushed, and the limit is {mb(TOO_LARGE)}.")
