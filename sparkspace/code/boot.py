"""What a Python worker does before it unpickles a function: it becomes the version that the function was made with.

Sent to executors as source, inside the broadcast that has the code, so nothing of ours has to be installed there, and
two versions of sparkspace can share a cluster. Standard library only (and what a worker has loaded of pyspark).
The driver uses ``Finder``, too: both import a project's modules in the same way.

Never ``importlib.invalidate_caches()`` here: it reads the directory of Spark's core jar anew, which is on every
worker's path, for 40 ms and more. Folders named after their content need no invalidation.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import functools
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import marshal
import os
import pickle
import shutil
import socket
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any, NamedTuple

MANIFEST = "MANIFEST.json"
ASKED = "sparkspace.versions"  # of a job: the versions that its functions may have been made with
HELD = "sparkspace-held"  # how a broadcast's value begins if it has objects of the user's classes
WRITTEN = 315532800  # the time of every file of a version: another one has been written since (1980, as in the zip)
KEPT = 8  # folders of older versions, for functions that were made with them


class Module(NamedTuple):
    """Where a module's source is, and the SHA-256 of it."""

    file: str
    sha256: str


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles what a file holds, and trusts no ``.pyc``: those go by whole seconds and sizes, and miss quick edits."""

    codes: Callable[[str, str, str, bytes], CodeType]

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        path = self.get_filename(fullname)
        content = self.get_data(path)
        return self.codes(fullname, path, hashlib.sha256(content).hexdigest(), content)


class Finder:
    """Finds the modules of one version, before any other place is looked at (``sys.meta_path``)."""

    def __init__(self, modules: Mapping[str, Module], codes: Callable[[str, str, str, bytes], CodeType]) -> None:
        self.modules = modules
        self.codes = codes

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The module's spec if it is one of this version's."""
        found = self.modules.get(name)
        if found is None:
            return None
        loader = Loader(name, found.file)
        loader.codes = self.codes
        search = [os.path.dirname(found.file)] if os.path.basename(found.file) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, found.file, loader=loader, submodule_search_locations=search
        )


def compiled(path: str, sha256: str, content: bytes) -> CodeType:
    """``content`` as code. Line numbers and the name of the file are in it, so both belong to what a cache goes by."""
    code: CodeType = compile(content, path, "exec", dont_inherit=True)
    return code


def module_name(path: str) -> str | None:
    """``pkg/sub/__init__.py`` → ``pkg.sub``; None for what is no Python source."""
    stem, suffix = os.path.splitext(path)
    parts = stem.split("/")
    if suffix != ".py" or not all(part.isidentifier() for part in parts):
        return None
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


class Other(ImportError):
    """A worker has, or would have, another version of the user's code than the one that was asked for."""


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
        hold_broadcasts(self)
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
        manifest = json.loads(open(os.path.join(home, MANIFEST), "rb").read())
        self.finder.modules = located(home, manifest)
        self.digest, self.home, self.units = digest, home, frozenset(newest["units"])
        self.reasons, self.lazy = newest["reasons"], newest["lazy"]
        sys.path[1:1] = sorted({os.path.join(home, name.partition("/")[0]) for name in manifest})
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
        return self.memory[key]


class Explainer:
    """Answers the import of a module that nobody has with the reason why it is not here."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Always fails, or leaves the failing to Python."""
        reason = self.worker.reasons.get(name) if path is None else None
        if reason:
            raise ModuleNotFoundError(f"No module named {name!r} on this executor. {reason}", name=name)


def forget(units: frozenset[str] | set[str], modules: dict[str, ModuleType]) -> None:
    """Take the modules of these packages out of ``modules``, so that they are imported anew."""
    for name in [name for name in modules if name.partition(".")[0] in units]:
        del modules[name]


def located(home: str, manifest: Mapping[str, str]) -> dict[str, Module]:
    """The modules of an unpacked version. Where two roots have one, the first wins, as on ``sys.path``."""
    found: dict[str, Module] = {}
    for name, sha256 in sorted(manifest.items()):
        dotted = module_name(name.partition("/")[2])
        if dotted:
            found.setdefault(dotted, Module(os.path.join(home, name), sha256))
    return found


def folder() -> str:
    """This executor's own folder for code; it goes with the executor."""
    files = sys.modules.get("pyspark.core.files") or sys.modules.get("pyspark.files")
    root = getattr(getattr(files, "SparkFiles", None), "_root_directory", None) or tempfile.gettempdir()
    return os.path.join(os.path.realpath(root), "sparkspace")


def unpack(base: str, digest: str, parcels: Any) -> tuple[str, io.IOBase]:  # noqa: ANN401  # Broadcasts
    """The folder of a version, complete and checked, and a lock that keeps it from being removed.

    ``parcels`` are broadcasts: of the version, and of the one that it builds upon, if it has not all files itself.
    """
    home = os.path.join(base, digest)
    while True:
        with contextlib.suppress(OSError):  # another worker may be removing it just now
            lock = open(os.path.join(home, ".lock"), "rb")
            fcntl.flock(lock, fcntl.LOCK_SH)
            if intact(home):
                os.utime(home)
                return home, lock
            lock.close()
            discard(home)
        build(base, digest, parcels)


def intact(home: str) -> bool:
    """Whether a folder has all files of its version, and nobody has written into one."""
    try:
        with open(os.path.join(home, MANIFEST), "rb") as file:
            return all(os.stat(os.path.join(home, name)).st_mtime == WRITTEN for name in json.load(file))
    except (OSError, ValueError):
        return False


def discard(home: str) -> None:
    """Remove a version's folder, at once for everybody."""
    aside = tempfile.mkdtemp(prefix=".bad-", dir=os.path.dirname(home))
    with contextlib.suppress(OSError):  # somebody else was faster
        os.rename(home, os.path.join(aside, "home"))
    shutil.rmtree(aside, ignore_errors=True)


def build(base: str, digest: str, parcels: Any) -> None:  # noqa: ANN401
    """Write a version's folder, and give it its name when it is complete."""
    os.makedirs(base, exist_ok=True)
    parcel, rest = parcels[0].value, parcels[1:]
    below = unpack(base, rest[0].value["digest"], rest) if rest else ("", None)
    temporary = tempfile.mkdtemp(prefix=".new-", dir=base)
    try:
        with zipfile.ZipFile(io.BytesIO(parcel["zip"])) as archive:
            fill(temporary, archive, below[0])
        refuse_damage(temporary, digest)
        open(os.path.join(temporary, ".lock"), "wb").close()
        with contextlib.suppress(OSError):  # somebody else was faster
            os.rename(temporary, os.path.join(base, digest))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if below[1]:
            below[1].close()
    prune(base)


def fill(home: str, archive: zipfile.ZipFile, below: str) -> None:
    """Put every file of a version into ``home``: from the archive, or, unchanged, from the folder ``below``."""
    manifest = json.loads(archive.read(MANIFEST))
    held = set(archive.namelist())
    sources = {}
    if below:
        with open(os.path.join(below, MANIFEST), "rb") as file:
            sources = {sha256: name for name, sha256 in json.load(file).items()}
    for name, sha256 in manifest.items():
        target = os.path.join(home, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if name in held:
            with open(target, "wb") as file:
                file.write(archive.read(name))
            os.utime(target, (WRITTEN, WRITTEN))
        else:
            os.link(os.path.join(below, sources[sha256]), target)
    with open(os.path.join(home, MANIFEST), "w") as text:
        json.dump(manifest, text)


def refuse_damage(home: str, digest: str) -> None:
    """Check what was unpacked against the version's name.

    Raises:
        Other: it is something else.
    """
    with open(os.path.join(home, MANIFEST), "rb") as file:
        manifest = json.load(file)
    lines = []
    for name in sorted(manifest):
        with open(os.path.join(home, name), "rb") as file:
            lines.append(f"{name}\0{hashlib.sha256(file.read()).hexdigest()}\n")
    found = hashlib.sha256("".join(lines).encode()).hexdigest()
    if found != digest:
        raise Other(f"Version {digest[:12]} arrived as {found[:12]}: its files are not what was sent.")


def prune(base: str) -> None:
    """Remove the folders of all but the newest versions, and of nobody who runs one."""
    homes = [os.path.join(base, name) for name in os.listdir(base) if len(name) == 64]
    homes.sort(key=mtime, reverse=True)
    for home in homes[KEPT:]:
        with contextlib.suppress(OSError), open(os.path.join(home, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(home, ignore_errors=True)
    prune_codes(base, homes[:KEPT])


def prune_codes(base: str, homes: list[str]) -> None:
    """Remove compiled code that none of these versions has."""
    wanted = set()
    for home in homes:
        with contextlib.suppress(OSError), open(os.path.join(home, MANIFEST), "rb") as file:
            wanted |= {code_name((name, sha256)) for name, sha256 in json.load(file).items()}
    codes = os.path.join(base, "code")
    with contextlib.suppress(OSError):
        for name in set(os.listdir(codes)) - wanted:
            os.unlink(os.path.join(codes, name))


def mtime(path: str) -> float:
    """When a path was touched last; 0 if it is gone."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def code_name(key: tuple[str, str]) -> str:
    """The file of compiled code: of one source under one name."""
    return hashlib.sha256("\0".join(key).encode()).hexdigest()


def stored(codes: str, path: str, key: tuple[str, str], content: bytes) -> CodeType:
    """Compiled code, from this executor's store or into it."""
    file = os.path.join(codes, code_name(key))
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        with open(file, "rb") as stream:
            code: CodeType = marshal.load(stream)
            return code.replace(co_filename=path)
    code = compiled(path, key[1], content)
    with contextlib.suppress(OSError):
        os.makedirs(codes, exist_ok=True)
        temporary = f"{file}.{os.getpid()}.{threading.get_ident()}"
        with open(temporary, "wb") as stream:
            marshal.dump(code, stream)
        os.replace(temporary, file)
    return code


def where() -> str:
    """This executor, for people: its address, and its number (the folder that a Worker starts it in is named so)."""
    return f"{os.environ.get('SPARK_LOCAL_IP') or socket.gethostname()}/{os.path.basename(os.getcwd())}"


def running() -> Any:  # noqa: ANN401  # a TaskContext
    """The task that runs in this process, None if it can't be told."""
    context = sys.modules.get("pyspark.taskcontext")
    return context.TaskContext.get() if context else None


def task() -> object:
    """The number of the task that runs in this process, None if it can't be told."""
    found = running()
    return found.taskAttemptId() if found else None


def refuse_older(digest: str) -> None:
    """A DataFrame or RDD has its functions as they were when it was built: not beyond an edit, and silently.

    What is older than what is cached is let pass: a lost part of that must be made again as it was.

    Raises:
        Other: the driver's code was another when it started this job.
    """
    found = running()
    asked = found.getLocalProperty(ASKED) if found else None
    if asked and digest[:12] not in asked.split():
        raise Other(
            f"This DataFrame or RDD was built with version {digest[:12]} of your code, and you have edited it since: "
            f"now it is {asked.split()[-1]}. Build it again: run the lines that made it. (Cached data can be used on.)"
        )


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


def hold_broadcasts(worker: Worker) -> None:
    """Have broadcast values of the user's classes made from the classes that are current when they are asked for."""
    module = sys.modules.get("pyspark.core.broadcast") or sys.modules.get("pyspark.broadcast")
    if module is None:
        return
    kind = lazy_broadcast(module.Broadcast)
    for broadcast in module._broadcastRegistry.values():
        if type(broadcast) is module.Broadcast:
            broadcast.__class__ = kind
            broadcast._worker = worker


@functools.lru_cache(maxsize=1)
def lazy_broadcast(kind: type) -> type:
    """A Broadcast that unpickles what was held back only when it is asked for, and again for another version."""

    class LazyBroadcast(kind):  # type: ignore[misc]  # pyspark's, which this module must not import
        @property
        def value(self) -> Any:  # noqa: ANN401  # the user's
            raw = self.__dict__.get("_value")
            if raw is None:
                raw = self._value = self.load_from_path(self._path) if self._path is not None else None
            if not (type(raw) is tuple and len(raw) == 2 and raw[0] == HELD):
                return raw
            if self.__dict__.get("_made_by") != self._worker.digest:
                self._made, self._made_by = pickle.loads(raw[1]), self._worker.digest
            return self._made

    return LazyBroadcast


WORKER = Worker()
