"""``push --watch``: what changes in the files is pushed, until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...errors import SparkspaceError
from ..class_server.manifest import CLASSES
from ..tree import Entry, Moved
from .source import Snapshot, Source
from .wire import NotLetIn, PushFailed, SessionNotOpen, Unreachable, Wire

LOOK_EVERY_S = 0.1
SETTLED_AFTER_S = 0.03  # an editor writes a file in several steps
COMPILED_AFTER_S = 0.2  # a compiler writes many, and half of them may not fit the other half
AGAIN_AFTER_S = 1.0
ASK_EVERY_S = 10.0  # what the session has: it may have begun anew


class Following:
    """Pushes to the session ``to`` whenever ``source`` has changed. ``say`` is given a line at a time."""

    def __init__(self, wire: Wire, to: str, source: Source, say: Callable[[str], None]) -> None:
        self._wire = wire
        self._to = to
        self._source = source
        self._say = say
        self._problem = ""
        self._pushed = ""
        self._classes: dict[str, Entry] = {}
        self._again_at = 0.0
        self._ask_at = 0.0

    def follow(self) -> None:
        """For ever.

        Raises:
            NotLetIn: another try would be refused, too.
        """
        while True:
            self.step()
            time.sleep(LOOK_EVERY_S)

    def step(self) -> None:
        """Look once, and push if there is anything new."""
        now = time.monotonic()
        if now < self._again_at:
            return
        try:
            snapshot = self._settled()
            if snapshot.digest != self._pushed:
                self._say(str(self._wire.push(self._to, snapshot)))
                self._pushed, self._classes = snapshot.digest, classes_of(snapshot)
                self._ask_at = now + ASK_EVERY_S
            elif now >= self._ask_at:
                self._ask_at = now + ASK_EVERY_S
                self._compare()
            self._problem = ""
        except Moved:
            pass  # in a moment
        except (Unreachable, SessionNotOpen) as error:
            self._again_at, self._pushed = now + AGAIN_AFTER_S, ""
            self._tell(error, " Trying again.")
        except NotLetIn:
            raise
        except SparkspaceError as error:
            self._fail(error)

    def _settled(self) -> Snapshot:
        """The files, once they are the same for a moment."""
        snapshot = self._source.look()
        while snapshot.digest != self._pushed:
            time.sleep(SETTLED_AFTER_S if classes_of(snapshot) == self._classes else COMPILED_AFTER_S)
            again = self._source.look()
            if again.digest == snapshot.digest:
                break
            snapshot = again
        return snapshot

    def _compare(self) -> None:
        """See that the session still has it: with a class server or a driver that has started anew it has nothing."""
        found = {each["name"]: each for each in self._wire.sessions()}
        version = str(found.get(self._to, {}).get("version", ""))
        if not version:
            self._pushed = ""
        elif version != self._pushed:
            self._tell(PushFailed(f"{self._to} has version {version[:7]} of {found[self._to]['by']} now."), "")
            self._problem = version

    def _fail(self, error: SparkspaceError) -> None:
        """It will be as wrong the next time, until the files change."""
        self._tell(error, "")
        self._again_at = time.monotonic() + AGAIN_AFTER_S

    def _tell(self, error: SparkspaceError, more: str) -> None:
        """Once."""
        if error.message != self._problem:
            self._problem = error.message
            self._say("\n".join([error.message + more, *error.cure.splitlines()]))


def classes_of(snapshot: Snapshot) -> dict[str, Entry]:
    """What compilers have written."""
    return {name: entry for name, entry in snapshot.files.items() if name.startswith(CLASSES)}
