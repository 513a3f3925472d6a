"""A Python process of an executor: which version it runs, and how it changes to another."""

from __future__ import annotations

import collections
import importlib
import io
import json
import os
import pickle
import sys
from collections.abc import Mapping
from types import CodeType
from typing import Any

from .broadcasts import hold_broadcasts
from .codes import relocated, stored
from .homes import MANIFEST, folder, unpack
from .modules import Finder, forget, located, place_of
from .tasks import Other, refuse_older, task, where


class Worker:
    """One Python process of an executor: which version it runs, and how it changes to another."""

    def __init__(self) -> None:
        self.digest = ""
        self.units: frozenset[str] = frozenset()
        self.home = ""
        self.finder = Finder({}, self.code)
        self.reasons: Mapping[str, str] = {}
        self.task: object = None
        self.lazy = ""
        self.lock: io.IOBase | None = None
        self.memory: dict[tuple[str, str], CodeType] = {}

    def enter(self, digest: str, parcels: Any, inner: bytes, ran: Any) -> Any:  # noqa: ANN401  # what was pickled
        """Unpickle a function with exactly this version of the user's code. ``ran`` is told (an accumulator)."""
        refuse_older(digest)
        if digest != self.digest:
            self.become(digest, parcels)
        self.remember_task()
        allow_type_names()
        hold_broadcasts(lambda: self.digest)
        ran += collections.Counter({(where(), digest): 1})
        command = pickle.loads(inner)
        self.refuse_others()
        return command

    def become(self, digest: str, parcels: Any) -> None:  # noqa: ANN401  # Broadcasts
        """Forget the modules of the version before, and find those of this one."""
        newest = parcels[0].value
        if self.lazy and self.same_task():
            raise Other(
                f"One task would run two versions of your code, {self.digest[:12]} and {digest[:12]}, and it imports "
                f"while it runs ({self.lazy}), which can't know which of them it is. Build the older DataFrame again."
            )
        home, lock = unpack(folder(), digest, parcels)
        forget(self.units | set(newest["units"]), sys.modules)
        sys.path[:] = [path for path in sys.path if not (self.home and path.startswith(self.home + os.sep))]
        with open(os.path.join(home, MANIFEST), "rb") as file:
            manifest = json.load(file)
        self.finder.modules = located(home, manifest)
        self.memory = {key: code for key, code in self.memory.items() if manifest.get(key[0]) == key[1]}
        self.digest, self.home, self.units = digest, home, frozenset(newest["units"])
        self.reasons, self.lazy = newest["reasons"], newest["lazy"]
        sys.path[1:1] = [os.path.join(home, str(place)) for place in sorted({place_of(name) for name in manifest})]
        self.install()
        if self.lock:
            self.lock.close()
        self.lock = lock

    def install(self) -> None:
        """Be asked first for modules, and last (to say why there is none)."""
        if self.finder not in sys.meta_path:
            sys.meta_path.insert(0, self.finder)
            sys.meta_path.append(Explainer(self))

    def remember_task(self) -> None:
        self.task = task()

    def same_task(self) -> bool:
        """Whether this very task has run something of another version already."""
        return self.task is not None and self.task == task()

    def refuse_others(self) -> None:
        """See to it that what has been imported comes from this version.

        Raises:
            Other: it came from somewhere else.
        """
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] not in self.units:
                continue
            file = getattr(module, "__file__", None)
            if file and not file.startswith(self.home + os.sep):
                raise Other(f"{name} should come from version {self.digest[:12]}, but it was imported from {file}.")

    def code(self, name: str, path: str, sha256: str, content: bytes) -> CodeType:
        """Compile, or take what this executor has compiled before: an edit leaves most files as they were."""
        if sha256 != self.finder.modules[name].sha256:
            raise Other(f"{path} is not what was sent: somebody has written there.")
        key = (os.path.relpath(path, self.home), sha256)
        if key not in self.memory:
            self.memory[key] = stored(os.path.join(folder(), "code"), path, key, content)
        return relocated(self.memory[key], path)


class Explainer:
    """Answers the import of a module that nobody has with the reason why it is not here."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Always fails, or leaves the failing to Python."""
        reason = self.worker.reasons.get(name)
        if reason:
            raise ModuleNotFoundError(f"No module named {name!r} on this executor. {reason}", name=name)


def allow_type_names() -> None:
    """Have ``@udf("int")`` work at the top of a module: Spark would ask a JVM what "int" is, and a worker has none."""
    udf = sys.modules.get("pyspark.sql.udf") or importlib.import_module("pyspark.sql.udf")
    kind = udf.UserDefinedFunction
    known = vars(kind)["returnType"]
    if getattr(known.fget, "sparkspace", False):
        return

    def named(this: Any) -> Any:  # noqa: ANN401
        return this._returnType if isinstance(this._returnType, str) else known.fget(this)

    named.sparkspace = True  # type: ignore[attr-defined]
    kind.returnType = property(named)


WORKER = Worker()
