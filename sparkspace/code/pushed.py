"""What a laptop has pushed to this driver's session: fetched before each action, when there is anything new."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

from ..cluster.class_server import CURE, Answer, Away, Client, host_of, release_of
from ..cluster.signature import Key
from ..config import Dyno, Settings
from ..errors import ConfigError, UsageError
from ..log import event
from . import tree
from .class_server import manifest
from .class_server.blobs import Blobs
from .class_server.manifest import CLASSES, PYTHON, Json, Malformed
from .class_server.sessions import is_session
from .tree import Entry

LOOK_WITHIN_S = 0.8
FETCH_WITHIN_S = 60.0
AWAY_FOR_S = (0.5, 1.0, 2.0, 5.0)  # after so many failures, nobody is asked for so long
BEAT_EVERY_S = 20.0  # less than what the class server forgets a driver after, also when one or two are missed
KEPT = 5  # versions


class Pushed:
    """The session ``name`` of this driver, and the newest version of what was pushed to it."""

    def __init__(self, client: Client, name: str, dyno: str, app: str, release: str) -> None:
        if not is_session(name):
            raise UsageError(
                f"{name!r} can't be the name of a session.", "Lowercase letters, digits, '.', '_' and '-'."
            )
        self.name = name
        self.version = ""
        self._client = client
        self._who = {"dyno": dyno, "app": app, "release": release}
        self._folder = Path(tempfile.mkdtemp(prefix="sparkspace-pushed-"))
        self._blobs = Blobs(self._folder)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._beating: threading.Thread | None = None
        self._owner = os.getpid()
        self._id = self._seen = self._said = ""
        self._last: list[str] = []
        self._failures, self._again_at, self._until = 0, 0.0, 0.0
        atexit.register(self.close)

    @classmethod
    def from_env(cls, env: Mapping[str, str], name: str) -> Pushed:
        """Of this dyno.

        Raises:
            ConfigError, PlatformError: this is no dyno of the cluster.
            UsageError: no session can be called so.
        """
        dyno, settings = Dyno.from_env(env), Settings.from_env(env)
        if not settings.secret:
            raise ConfigError("SPARKSPACE_SECRET", "must be set", "", "$(openssl rand -hex 32)")
        who = f"{dyno.name}/{os.getpid()}"
        client = Client(Key(settings.secret), host_of(dyno, settings), sender=who)
        return cls(client, name, who, dyno.app_name, release_of(env))

    def look(self) -> Path | None:
        """The folder of the newest version's Python files, to import from; None: nothing was pushed. See ``classes``.

        Takes one short request when there is nothing new, and ``LOOK_WITHIN_S`` at most when nobody answers: then, and
        whenever the class server has forgotten, it is the version of before.
        """
        with self._lock:
            if os.getpid() == self._owner and not self._closed.is_set():
                self._attempt(self._take)
                self._beat()
            return self._part(PYTHON)

    def _attempt(self, take: Callable[[Answer], None]) -> None:
        if time.monotonic() < self._again_at:
            return
        try:
            self._renew(take)
            self._failures = 0
        except (Away, Malformed, OSError) as error:
            self._again_at = time.monotonic() + AWAY_FOR_S[min(self._failures, len(AWAY_FOR_S) - 1)]
            self._failures += 1
            if isinstance(error, Away):
                self._say("away", session=self.name, warning="no-class-server", error=error, cure=CURE)
            else:
                self._say("unusable", session=self.name, warning="can-not-be-taken", error=error)

    def _beat(self) -> None:
        """From now on, show now and then that this driver is there: a laptop may push while it does nothing."""
        if self._beating is None:
            self._beating = threading.Thread(target=self._go_on_beating, name="pushed", daemon=True)
            self._beating.start()

    def _go_on_beating(self) -> None:
        while not self._closed.wait(BEAT_EVERY_S):
            with self._lock:
                if not self._closed.is_set():
                    self._attempt(lambda answer: None)

    @property
    def classes(self) -> Path | None:
        """The folder of the newest version's class files; None: none were pushed."""
        found = self._part(CLASSES)
        return found if found and found.is_dir() else None

    def close(self) -> None:
        """Close the session, and remove what was fetched. What was pushed is gone when nobody else has it open."""
        if os.getpid() != self._owner or self._closed.is_set():
            return  # a fork, or closed before
        self._closed.set()
        with self._lock:
            if self._id:
                self._until = time.monotonic() + LOOK_WITHIN_S
                with contextlib.suppress(Away):  # it forgets by itself
                    self._ask("DELETE")
            self._client.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        atexit.unregister(self.close)

    def _part(self, prefix: str) -> Path | None:
        return self._folder / "trees" / self.version / prefix.rstrip("/") if self.version else None

    def _renew(self, take: Callable[[Answer], None]) -> None:
        self._until = time.monotonic() + LOOK_WITHIN_S
        answer = self._ask("GET") if self._id else None
        if answer is None or answer.status == 404:  # it has started anew, and knows nobody
            answer = self._opened()
        if answer.status == 200:
            take(answer)
        elif answer.status == 409:
            self._again_at = float("inf")
            self._say("other-release", warning="what-is-pushed-goes-to-another-release", cure="start this one again")
        elif answer.status != 304:
            raise Away(f"the class server answers {answer.status}")

    def _opened(self) -> Answer:
        opened = self._ask("PUT")
        if opened.status != 200:
            raise Away(f"the class server answers {opened.status}")
        self._id, self._seen = str(opened.json["id"]), ""
        return self._ask("GET")

    def _ask(self, method: str) -> Answer:
        query = urlencode({**self._who, "id": self._id, "runs": self.version})
        known = {"If-None-Match": f'"{self._seen}"'} if self._seen and method == "GET" else {}
        left = max(0.05, self._until - time.monotonic())
        return self._client.ask(method, f"/sessions/{self.name}?{query}", within_s=left, headers=known)

    def _take(self, answer: Answer) -> None:
        """Fetch what is missing of a version, and make its folder."""
        found: Json = answer.json
        if not found["version"]:
            self._seen = answer.etag
            if self.version:
                self._say("kept", session=self.name, version=self.version[:7], warning="nothing-is-pushed-any-more")
            else:
                self._say("open", session=self.name, version="none", hint=f"bin/sparkspace push --to {self.name}")
            return
        files = manifest.parse(found["files"])
        if tree.digest(files) != found["version"]:
            raise Malformed("A version is not what its name says.")
        began = time.monotonic()
        fetched = self._complete(found["version"], files) + self._complete(found["version"], files)
        if not (self._folder / "trees" / found["version"]).is_dir():
            raise Malformed("A file that was fetched is gone.")
        (self._folder / "trees" / found["version"] / "python").mkdir(exist_ok=True)
        self.version, self._seen = found["version"], answer.etag
        self._last = [*(each for each in self._last if each != self.version), self.version][-KEPT:]
        self._blobs.keep((entry.sha256 for entry in files.values()), [*self._last, *self._in_use()])
        self._said = ""
        event(
            "pushed", session=self.name, version=self.version[:7], files=len(files), fetched=fetched,
            by=found.get("by") or "unknown", seconds=f"{time.monotonic() - began:.2f}",
        )  # fmt: skip

    def _in_use(self) -> Iterator[str]:
        """The versions that modules were imported from which have not changed since: they may read what lies there."""
        trees = f"{self._folder}{os.sep}trees{os.sep}"
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None) or ""
            if file.startswith(trees):
                yield file.removeprefix(trees).partition(os.sep)[0]

    def _complete(self, version: str, files: Mapping[str, Entry]) -> int:
        """Make its folder, if all files are here then. One that somebody wrote over is not, and fetched anew."""
        if (self._folder / "trees" / version).is_dir():
            return 0
        missing = list({entry.sha256: entry for entry in files.values() if not self._blobs.has(entry)}.values())
        if missing:
            self._fetch(missing)
        self._blobs.tree(version, files)
        return len(missing)

    def _fetch(self, entries: list[Entry]) -> None:
        wanted = manifest.packed({"wanted": [entry.sha256 for entry in entries]})
        answer = self._client.ask("POST", "/fetch", wanted, within_s=FETCH_WITHIN_S)
        if answer.status != 200:
            raise Away(f"the class server answers {answer.status}")
        for sha256, content in manifest.cut(manifest.unpacked(answer.body)[1], entries).items():
            self._blobs.put(sha256, content)

    def _say(self, what: str, **facts: object) -> None:
        """Once, until something else is to be said."""
        if what != self._said:
            self._said = what
            event("pushed", **facts)
