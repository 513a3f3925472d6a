"""Hot deploy: before a function goes to the executors, the code that it needs is what is in the files now."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from pyspark import SparkContext, cloudpickle
from pyspark.accumulators import AddingAccumulatorParam, _accumulatorRegistry

from ..errors import SparkspaceError
from ..log import event, notice
from . import boot, lazy, migrate, parcel, pickling, start
from .boot.tasks import ASKED
from .closures import Closures
from .parcel import Version
from .project import Project, reasons
from .reload import Modules
from .tree import Moved

KEPT = 8  # versions that can be gone back to without sending them again
CLEAN_VAR = "SPARKSPACE_CODE"  # another value is another pool of Python workers (PythonWorkersKey)
_TRIES = 5
_STREAM = "sql.streaming.queryId"

cloudpickle.register_pickle_by_value(start)  # type: ignore[no-untyped-call]  # pyspark has no types for it


@dataclass(frozen=True)
class Envelope:
    """A pickled function, and what a worker needs before it unpickles that.

    ``renewable``: whether nothing of the user's packages is in ``inner`` but names.
    """

    parcels: tuple[Any, ...]
    digest: str
    inner: bytes
    ran: Any
    renewable: bool

    def __reduce__(self) -> tuple[Any, ...]:
        return start.start, (list(self.parcels), self.digest, self.inner, self.ran)


class Heard:
    """In the place of the accumulator, where pyspark adds what comes from executors: nobody else is told when."""

    def __init__(self, deployer: Deployer) -> None:
        self._deployer = deployer

    def __iadd__(self, ran: Mapping[tuple[str, str], int]) -> Heard:
        self._deployer.ran += ran
        self._deployer.note(ran)
        return self


class Deployer:
    """The user's code on one cluster: what this driver runs, and what its executors are given.

    ``names``: what the lines of a shell are run in. ``clean``: a new Python process for each version, always.
    """

    def __init__(self, context: SparkContext, project: Project, names: dict[str, Any], clean: bool = False) -> None:
        self.context = context
        self.project = project
        self.modules = Modules()
        self.formers = pickling.Formers()
        self.closures = Closures(self.modules)
        self.imported: dict[str, tuple[str, str]] = {}
        self.on_change: list[Callable[[], None]] = []
        self.since = time.time()
        self.ran = context.accumulator(_counter(), AddingAccumulatorParam(_counter()))
        self._names = names
        self._clean = clean
        self._said_clean = clean  # who has asked for it knows
        self._lock = threading.RLock()
        self._begun = False
        self.sending = False
        self._failed = ""
        self._alike: list[str] = []
        self._kept: set[str] = set()
        self._told: set[str] = set()
        _accumulatorRegistry[self.ran.aid] = Heard(self)  # type: ignore[assignment]  # it is given what executors say
        self.edits = 0
        self._announced = threading.local()
        self._sent: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._base_size = 0
        self._base: tuple[Version, tuple[Any, ...]] | None = None

    @property
    def version(self) -> Version:
        """The version that this driver runs."""
        return self.modules.version

    def refresh(self) -> bool:
        """Look at the files, and run what is in them now. Returns whether that is something else than before.

        An edit that can't be imported is told, and changes nothing.
        """
        try:
            return self.renew()
        except SparkspaceError as error:
            if error.message != self._failed:
                self._failed = error.message
                notice(*error.lines())
            return False

    def renew(self, again: bool = False) -> bool:
        """``refresh``, but what is wrong is raised. ``again``: also in a script, which keeps what it began with.

        Raises:
            EditFailed, Moved, TooLarge: the version before goes on.
        """
        with self._lock:
            for tries in range(_TRIES):
                try:
                    changed = self._renew(self.project.look(again))
                    self._failed = ""
                    self._announce()
                    return changed
                except Moved:
                    if tries == _TRIES - 1:
                        raise
        raise AssertionError

    def _renew(self, version: Version) -> bool:
        if version is self.version or version.digest == self.version.digest:
            return False
        parcel.check_size(version)
        begun, before = time.perf_counter(), self.version
        added = not self._begun or (only_added(before, version) and not self.modules.has_others(version))
        self._begun = True
        replaced = {} if added else self.modules.become(version)
        self._alike = [*(self._alike if added else []), version.digest[:12]]
        if added:
            self.modules.begin(version)
        else:
            self._bring_over(replaced)
            self.edits += 1
            spent = round((time.perf_counter() - begun) * 1000)
            files = len({name for name, _ in version.files.items() ^ before.files.items()})
            event("deployed", version=version.digest[:12], changes=files, modules=len(replaced), ms=spent)
        self.since = time.time()
        for tell in self.on_change if not added else ():
            tell()
        return True

    def keep(self) -> None:
        """Something is cached now: if a part of it is lost, it has to be made again by the version that made it."""
        with self._lock:
            self._kept.update(self._alike[-1:])

    def note(self, ran: Mapping[tuple[str, str], int]) -> None:
        """Executors have said what they ran: tell of a version that is not current, once."""
        for _, digest in ran:
            name = digest[:12]
            if name not in self._alike and name in self._kept and name not in self._told:
                self._told.add(name)
                notice(
                    f"Executors run version {name} of your code, from before an edit: something was cached then, "
                    "and what belongs to it is computed as it was. Build it again to have the code of now."
                )

    def _announce(self) -> None:
        """Tell the jobs of this thread which versions are current: this one, and those that it only adds to.

        A stream goes on with what it was started with.
        """
        asked = " ".join([*sorted(self._kept.difference(self._alike)), *self._alike])
        if getattr(self._announced, "last", "") != asked and not self.context.getLocalProperty(_STREAM):
            self.context.setLocalProperty(ASKED, asked)
            self._announced.last = asked

    def _bring_over(self, replaced: Mapping[str, tuple[ModuleType, ModuleType | None]]) -> None:
        for old, _ in replaced.values():
            self.formers.remember(old)
        migrate.migrate(replaced, self._names, self.imported)

    def envelope(self, command: object) -> object:
        """``command``, so that whoever unpickles it has the code that is current now.

        Raises:
            EditFailed: a function was made by code that is not there any more.
            Moved: a script's file was edited after it began, and before it was shipped.
        """
        with self._lock:
            for tries in range(_TRIES):
                try:
                    return self._envelope(command)
                except Moved as error:  # an edit came between looking and packing
                    if tries == _TRIES - 1 or self.project.frozen:
                        raise Moved(
                            error.message, "Take it over with sparkspace.hotdeploy(), or begin again."
                        ) from error
        raise AssertionError

    def _envelope(self, command: object) -> object:
        self.refresh()
        inner, pickler = pickling.dumps(command, self.version.units, self.formers, self.closures.renew)
        if self.project.want(pickler.lazy):
            self.refresh()
        if not self.version.files:
            return command
        if self.needs_clean:
            self._say_clean()
            self.context.environment[CLEAN_VAR] = self.version.digest[:16]
        return Envelope(self.parcels(), self.version.digest, inner, self.ran, not pickler.by_value)

    def again(self, envelope: Envelope) -> Envelope:
        """The same function, with the version that is current now."""
        return replace(envelope, parcels=self.parcels(), digest=self.version.digest)

    @property
    def needs_clean(self) -> bool:
        """Whether a version needs Python processes of its own: what is compiled can't be taken out of one again."""
        return self._clean or any(name.endswith(".so") for name in self.version.files)

    def _say_clean(self) -> None:
        if not self._said_clean:
            self._said_clean = True
            notice("Each version of your code gets new Python processes, which takes seconds: it has compiled modules.")

    def parcels(self) -> tuple[Any, ...]:
        """The broadcasts that have the current version: one, or one with what differs from the second."""
        digest = self.version.digest
        if digest not in self._sent:
            self._sent[digest] = self._send(self.version)
        self._sent.move_to_end(digest)
        while len(self._sent) > KEPT:
            self._sent.popitem(last=False)
        return self._sent[digest]

    def _send(self, version: Version) -> tuple[Any, ...]:
        if self._base:
            base, parcels = self._base
            zipped = parcel.packed(version, base.files)
            if len(zipped) * 2 < self._base_size:
                return (self._broadcast(version, zipped), *parcels)
        zipped = parcel.packed(version)
        self._base_size = len(zipped)
        self._base = (version, (self._broadcast(version, zipped),))
        return self._base[1]

    def _broadcast(self, version: Version, zipped: bytes) -> Any:  # noqa: ANN401  # a Broadcast
        content = {
            "boot": boot.sources(),
            "digest": version.digest,
            "zip": zipped,
            "units": sorted(version.units),
            "reasons": reasons(version),
            "lazy": lazy.first(version),
        }
        self.sending = True  # there is nothing of the user's classes in it
        try:
            return self.context.broadcast(content)
        finally:
            self.sending = False

    def executors(self) -> dict[str, dict[str, int]]:
        """Executor → version → how many functions it has unpickled with that."""
        found: dict[str, dict[str, int]] = {}
        for (executor, digest), count in dict(self.ran.value).items():
            found.setdefault(executor, {})[digest] = count
        return found


def only_added(before: Version, after: Version) -> bool:
    """Whether nothing that was there before has changed or gone: then nothing has to be imported anew."""
    return before.units < after.units and before.files.items() <= after.files.items()


def _counter() -> Any:  # noqa: ANN401  # pyspark's type of an accumulator wants numbers
    from collections import Counter

    return Counter()
