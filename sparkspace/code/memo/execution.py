"""Run what has to run: write its data, tell their version, and make them known."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING

from ...errors import CheckFailed, SparkspaceError
from ...log import event
from . import conditions, fingerprint, inputs, reads
from .decide import Decider, session
from .manifest import Manifest
from .modules import SPARK, Module, ordered
from .step import READ, Step
from .store import Store

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

METRICS_WITHIN_S = 20  # the listener that brings them is a thread of the driver's, and may have dropped them


def run(module: Module) -> DataFrame:
    """The data of a module, read from the store; first runs what has to run of it and of what it comes from.

    Raises:
        SparkspaceError: code that can't be followed, a missing input, a read of something that was not declared.
    """
    decider = Decider(session())
    step = _up_to_date(decider, module)
    return _read(decider.spark, decider.store, _manifest(step))


def pin(module: Module, is_pinned: bool) -> None:
    """Keep a module's result whatever its age, or not any longer."""
    decider = Decider(session())
    decider.store.pin(_manifest(_up_to_date(decider, module)), is_pinned)


def _up_to_date(decider: Decider, module: Module) -> Step:
    done: dict[str, Step] = {}
    for each in ordered([module]):
        parents = {name: done[parent.name] for name, parent in each.parents.items()}
        step = decider.step(each, parents.items())
        if step.state != READ:
            event("module-runs", module=each.name, why="; ".join(step.reasons))
            manifest = execute(decider, step, parents)
            step = Step(each, READ, step.reasons, step.key, step.leaves, step.covers, manifest)
        decider.store.use(_manifest(step))
        done[each.name] = step
    return done[module.newest().name]


def _manifest(step: Step) -> Manifest:
    assert step.manifest
    return step.manifest


def _read(spark: SparkSession, store: Store, manifest: Manifest) -> DataFrame:
    from pyspark.sql.types import StructType

    schema = StructType.fromJson(json.loads(manifest.schema))
    return spark.read.schema(schema).parquet(store.url_of(manifest))


def execute(decider: Decider, step: Step, parents: dict[str, Step]) -> Manifest:
    """Run a module and keep what it gives. Whatever ends this early leaves nothing that anybody would read."""
    spark, store, module = decider.spark, decider.store, step.module
    started = time.time()
    frames = {name: _read(spark, store, _manifest(parent)) for name, parent in parents.items()}
    given = {name: spark if name == SPARK else frames[name] for name in module.parameters}
    frame = module.function(**given)
    _refuse_other(module, frame)
    _refuse_changes(module, decider)
    covers = step.covers + tuple(store.url_of(_manifest(parent)) for parent in parents.values())
    _refuse_undeclared(module, frame, covers, int(started * 1000))
    fresh = [*step.fresh, *reads.fresh(frame)]
    written = Manifest(
        module.name, step.key, f"{time.time_ns() // 1_000_000}-{uuid.uuid4().hex[:12]}", 0, 0, 0, "", "", {},
        list(step.leaves), fresh[0] if fresh else "",
    )  # fmt: skip
    store.held.add(written.path)
    try:
        manifest = _write(spark, store, frame, written, started)
        store.commit(manifest)
    except BaseException:
        store.folder.remove(written.path)
        store.held.discard(written.path)
        raise
    event("module-written", module=module.name, rows=manifest.rows, bytes=manifest.size, seconds=manifest.seconds)
    return manifest


def _write(spark: SparkSession, store: Store, frame: DataFrame, manifest: Manifest, started: float) -> Manifest:
    url = store.url_of(manifest)
    observed = _observed_write(frame, url)
    files = {
        path: file.size
        for path, file in store.folder.files(manifest.path).items()
        if not path.rpartition("/")[2].startswith((".", "_"))
    }
    rows = spark.read.schema(frame.schema).parquet(url).count() if files else 0
    if observed and observed[0] != rows and rows == 0:
        raise CheckFailed(
            f"Executors wrote {observed[0]} rows to {url}, and the driver sees none: they don't share this folder.",
            "Set SPARKSPACE_MODULES_DIR to a place that all dynos see, like s3a://my-bucket/modules.",
        )
    if observed is None or observed[0] != rows:  # no metrics; or a stage ran twice, and so did its metrics
        observed = _counted(spark.read.schema(frame.schema).parquet(url))
    rows, total = observed or (rows, manifest.run)
    now = time.time()
    return dataclasses.replace(
        manifest,
        written_ms=int(now * 1000),
        seconds=round(now - started, 3),
        rows=rows,
        data=fingerprint.version(frame.schema, rows, total),
        schema=frame.schema.json(),
        files=files,
    )


def _observed_write(frame: DataFrame, url: str) -> tuple[int, str] | None:
    """Write, and count and hash in the same job."""
    from pyspark.sql import Observation

    aggregates = fingerprint.total(frame)
    if aggregates is None:
        frame.write.parquet(url)
        return None
    observation = Observation()
    frame.observe(observation, *aggregates).write.parquet(url)
    found: list[dict[str, object]] = []
    # It waits for ever if the event was dropped.
    waiting = threading.Thread(target=lambda: found.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(METRICS_WITHIN_S)
    row = found[0] if found else {}
    return (int(str(row["rows"])), str(row["total"])) if {"rows", "total"} <= set(row) else None


def _counted(frame: DataFrame) -> tuple[int, str] | None:
    aggregates = fingerprint.total(frame)
    if aggregates is None:
        return None
    row = frame.agg(*aggregates).collect()[0]
    return int(row["rows"]), str(row["total"])


def _refuse_other(module: Module, frame: object) -> None:
    from pyspark.sql import DataFrame

    if not isinstance(frame, DataFrame):
        raise SparkspaceError(f"{module.name} returned a {type(frame).__name__}, and has to return a DataFrame.")
    if frame.isStreaming:
        raise SparkspaceError(f"{module.name} returned a stream, which has no end that could be kept.")


def _refuse_changes(module: Module, decider: Decider) -> None:
    """What a module sets would be set for its children when it runs, and not when it is read."""
    names = conditions.changed(decider.settings, conditions.settings(decider.spark))
    if names:
        raise SparkspaceError(
            f"{module.name} has changed {names[0]}, on which other modules' data depend.",
            "Set it before, for all; or set it back in the function.",
        )


def _refuse_undeclared(module: Module, frame: DataFrame, covers: tuple[str, ...], since_ms: int) -> None:
    """What is read or called, and neither declared nor reached by the code, may change unseen. Its own views may be."""
    found = reads.of(frame)
    wrong = [path for path in found.paths if not inputs.is_below(path, covers)]
    wrong += [each for each in found.others if each not in covers]
    wrong += [
        view.name
        for view in found.views
        if view.name not in covers and not (view.is_temporary and view.made_ms >= since_ms)
    ]
    if wrong:
        raise SparkspaceError(
            f"{module.name} reads {wrong[0]}, which is not among its inputs.",
            f"@sparkspace.module(inputs=[{wrong[0]!r}])",
        )
    named = reads.named_functions(frame)
    if named:
        raise SparkspaceError(
            f"{module.name} uses {named[0]}, a function that is registered by name: its code can't be seen.",
            "Use the object that udf() returns, without registering it.",
        )
