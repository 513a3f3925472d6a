"""Hot deploy: before a function goes to the executors, the code that it needs is what is in the files now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pyspark import SparkContext
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from ..errors import SparkspaceError
from ..log import event, notice
from . import pickling, size
from .current import Current
from .driver import Driver
from .envelope import Envelope, Sender
from .parcel import Version
from .project import Project
from .tree import Moved

CLEAN_VAR = "SPARKSPACE_CODE"  # another value is another pool of Python workers (PythonWorkersKey)
# Again, when an edit came between looking and reading.
unmoved = Retrying(retry=retry_if_exception_type(Moved), stop=stop_after_attempt(5), reraise=True)


class Deployer:
    """The user's code on one cluster: what this driver runs, and what its executors are given.

    ``names``: what the lines of a shell are run in. ``clean``: a new Python process for each version, always.
    """

    def __init__(
        self, context: SparkContext, project: Project, driver: Driver, names: dict[str, Any], clean: bool = False
    ) -> None:
        self.context = context
        self.project = project
        self.sender = Sender(context)
        self.current = Current(context)
        self.driver = driver
        self.on_change: list[Callable[[], None]] = []
        self.since = time.time()
        self._names = names
        self.clean = clean
        self._said_clean = clean  # who has asked for it knows
        self._lock = threading.RLock()
        self._failed = ("", "")
        self.edits = 0

    @property
    def version(self) -> Version:
        """The version that this driver runs."""
        return self.driver.version

    def refresh(self) -> bool:
        """Look at the files, and run what is in them now. Returns whether that is something else than before.

        An edit that can't be imported is told, and changes nothing.
        """
        if self.context._jsc is None:  # it was stopped
            return False
        try:
            return self.renew()
        except SparkspaceError as error:
            failed = (error.message, self.project.seen)
            if failed != self._failed:
                self._failed = failed
                notice(*error.lines())
            return False

    def renew(self, again: bool = False) -> bool:
        """``refresh``, but what is wrong is raised. ``again``: also in a script, which keeps what it began with.

        Raises:
            EditFailed, Moved, TooLarge: the version before goes on.
        """
        with self._lock:
            changed: bool = unmoved(lambda: self._renew(self.project.look(again)))
            self._failed = ("", "")
            self.current.announce()
            return changed

    def _renew(self, version: Version) -> bool:
        if version is self.version or version.digest == self.version.digest:
            return False
        size.refuse(version.files, "shipped with each edit", version.path)
        size.warn(version.files, "shipped with each edit", version.path)
        begun, before = time.perf_counter(), self.version
        added, replaced = self.driver.become(version, self._names)
        self.current.become(version.digest, added)
        if not added:
            self.edits += 1
            spent = round((time.perf_counter() - begun) * 1000)
            files = len({name for name, _ in version.files.items() ^ before.files.items()})
            event("deployed", version=version.digest[:12], changes=files, modules=replaced, ms=spent)
        self.since = time.time()
        for tell in self.on_change if not added else ():
            tell()
        return True

    def envelope(self, command: object) -> object:
        """``command``, so that whoever unpickles it has the code that is current now.

        Raises:
            EditFailed: a function was made by code that is not there any more.
            Moved: a script's file was edited after it began, and before it was shipped.
        """
        with self._lock:
            try:
                return unmoved(self._envelope, command)
            except Moved as error:
                raise Moved(error.message, "Take it over with sparkspace.hotdeploy(), or begin again.") from error

    def _envelope(self, command: object) -> object:
        self.refresh()
        inner, pickler = pickling.dumps(command, self.version.units, self.driver.formers, self.driver.closures.renew)
        if self.project.want(pickler.lazy):
            self.refresh()
        if not self.version.files:
            return command
        if self.needs_clean:
            self._say_clean()
            self.context.environment[CLEAN_VAR] = self.version.digest[:16]
        parcels = self.sender.parcels(self.version)
        return Envelope(parcels, self.version.digest, inner, self.current.ran, not pickler.by_value)

    def again(self, envelope: Envelope) -> Envelope:
        """The same function, with the version that is current now."""
        return envelope.of(self.version, self.sender.parcels(self.version))

    @property
    def needs_clean(self) -> bool:
        """Whether a version needs Python processes of its own: what is compiled can't be taken out of one again."""
        return self.clean or any(name.endswith(".so") for name in self.version.files)

    def _say_clean(self) -> None:
        if not self._said_clean:
            self._said_clean = True
            notice("Each version of your code gets new Python processes, which takes seconds: it has compiled modules.")
