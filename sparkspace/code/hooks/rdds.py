"""RDDs from before an edit. What is cached stays; what is below a shuffle can't be renewed, and workers refuse it."""

from __future__ import annotations

from typing import Any

from .active import Hooks
from .spark import rdds


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    rdds.PipelinedRDD._jrdd = property(_pipelined(hooks, vars(rdds.PipelinedRDD)["_jrdd"].fget))
    rdds.RDD._jrdd = _plain(hooks)


def _pipelined(hooks: Hooks, made: Any) -> Any:  # noqa: ANN401  # pyspark's
    """An RDD with a function keeps the bytes of that."""

    def renewed(this: Any) -> Any:  # noqa: ANN401
        deployer = hooks.of(this.ctx)
        if deployer:
            deployer.refresh()
            digest = deployer.version.digest
            kept = this.is_cached or this.is_checkpointed
            _forget_shuffles(this._prev_jrdd, deployer.edits)
            if this._jrdd_val is not None and this.__dict__.get("_sparkspace") != digest and not kept:
                this._jrdd_val = None
            if this._jrdd_val is None:
                this._sparkspace = digest
        return made(this)

    return renewed


def _plain(hooks: Hooks) -> property:
    """One without: a shuffle's result, or what the JVM has read."""

    def read(rdd: Any) -> Any:  # noqa: ANN401
        deployer, jrdd = hooks.of(rdd.ctx), rdd.__dict__["_jrdd"]
        if deployer:
            _forget_shuffles(jrdd, deployer.edits)
        return jrdd

    def write(rdd: Any, jrdd: Any) -> None:  # noqa: ANN401
        rdd.__dict__["_jrdd"] = jrdd
        if hooks.deployer and hasattr(jrdd, "__dict__"):
            vars(jrdd)["_sparkspace_edits"] = hooks.deployer.edits

    return property(read, write)


def _forget_shuffles(jrdd: Any, edits: int) -> None:  # noqa: ANN401
    """What an earlier run of an RDD has left would be used without a word: old results. Workers refuse to run it again.

    ``RDD.cleanShuffleDependencies`` leaves alone what is below cached data. It is waited for: each block manager, the
    driver's too, forgets the shuffle when it is told (``BlockManagerStorageEndpoint``), and if that is after the next
    run has begun, it forgets that one's.
    """
    if vars(jrdd).get("_sparkspace_edits", edits) != edits:
        jrdd.rdd().cleanShuffleDependencies(True)
    vars(jrdd)["_sparkspace_edits"] = edits
