"""``sparkspace.shipped()`` and ``sparkspace.hotdeploy()``: what the executors were sent, and what they ran."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pyspark.sql import SparkSession

from ..errors import CheckFailed, SparkspaceError, UsageError
from ..log import notice
from . import jvm, start
from .deploy import Deployer
from .hooks import HOOKS
from .size import mb

ROUNDS = 5  # of tasks, until every executor has had one


@dataclass(frozen=True)
class Shipped:
    """What is sent with each function now, and which executors have run what."""

    version: str
    since: float
    roots: Mapping[Path, frozenset[str]]
    files: int
    size: int
    executors: Mapping[str, Mapping[str, int]]
    clean: bool
    classes: str = ""

    def __repr__(self) -> str:
        lines = [f"version {self.version[:12]}: {self.files} files, {mb(self.size)}"]
        lines += [f"  {root}: {', '.join(sorted(units))}" for root, units in self.roots.items() if units]
        if self.clean:
            lines.append("  new Python processes for each version: compiled modules, or clean=True")
        if self.classes:
            lines.append(f"  classes of the JVM: version {self.classes}")
        for executor, ran in sorted(self.executors.items()):
            counts = ", ".join(f"{digest[:12]} {count} times" for digest, count in ran.items())
            lines.append(f"  executor {executor}: {counts}")
        return "\n".join(lines)


def shipped() -> Shipped:
    """What is shipped with the functions of this session.

    Raises:
        UsageError: there is no session.
    """
    return _shipped(_deployer())


def hotdeploy() -> Shipped:
    """Take over what is in the files now, and see it run on every executor; compiled classes of the JVM, too.

    Raises:
        EditFailed: the edit can't be imported; the version before goes on.
        JvmDeployError: the classes can't be deployed; those before go on.
        CheckFailed: an executor ran another version.
        UsageError: there is no session.
    """
    deployer = _deployer()
    try:
        deployer.renew(again=True)
    except SparkspaceError as error:
        raise error.with_traceback(None) from error.__cause__  # where the user's code failed, and not how we came to it
    if deployer.version.files:
        _verify(deployer)
    return replace(_shipped(deployer), classes=_classes(deployer))


def _classes(deployer: Deployer) -> str:
    """Deploy what a laptop has pushed, before what a build tool has compiled here (``SPARKSPACE_CLASS_DIR``).

    Returns its version; empty: nothing.
    """
    spark = SparkSession.getActiveSession()
    pushed = deployer.project.pushed.classes if deployer.project.pushed else None
    dirs = [*filter(None, [pushed]), *jvm.class_dirs(os.environ, Path.cwd())]
    return jvm.hotdeploy(spark, dirs) if spark and dirs and jvm.is_here(spark) else ""


def _verify(deployer: Deployer) -> None:
    context, digest = deployer.context, deployer.version.digest
    expected = len(context._jsc.sc().statusTracker().getExecutorInfos()) - 1 or 1
    seen: set[str] = set()
    for _ in range(ROUNDS):
        slices = 4 * max(context.defaultParallelism, expected)
        found = context.parallelize(range(slices), slices).map(start.running).collect()
        others = {executor: version for executor, version in found if version != digest}
        if others:
            executor, version = next(iter(others.items()))
            raise CheckFailed(f"Executor {executor} ran version {version[:12]}, and not {digest[:12]}.")
        seen |= {executor for executor, _ in found}
        if len(seen) >= expected:
            return
    notice(
        f"{expected - len(seen)} of {expected} executors had no task of this check: they are busy. Whichever runs a "
        "function later runs this version of it, or fails."
    )


def _shipped(deployer: Deployer) -> Shipped:
    version = deployer.version
    size = sum(entry.size for entry in version.files.values())
    roots = deployer.project.roots
    return Shipped(
        version.digest,
        deployer.since,
        roots,
        len(version.files),
        size,
        deployer.current.executors(),
        deployer.needs_clean,
    )


def _deployer() -> Deployer:
    if HOOKS.deployer is None:
        raise UsageError("There is no session yet.", "Begin with: spark = sparkspace.session()")
    return HOOKS.deployer
