"""Where pyspark turns a function into bytes: there it gets its envelope. The seams are private, and tested per version.

Each seam is replaced once in a process, and does what pyspark does while no ``Deployer`` is active.
"""

from __future__ import annotations

import functools
import importlib
import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pyspark
from pyspark.sql import SparkSession
from pyspark.sql import udf as udfs
from pyspark.sql import udtf as udtfs

from ..errors import UsageError
from . import pickling
from .boot import HELD
from .deploy import Deployer, Envelope
from .plans import Plans, frames

# Spark 3.5 has them at the top.
rdds = sys.modules.get("pyspark.core.rdd") or sys.modules["pyspark.rdd"]
broadcasts = sys.modules.get("pyspark.core.broadcast") or sys.modules["pyspark.broadcast"]

_PLAIN = (bytes, bytearray, str, int, float, bool, type(None))


class Hooks:
    """Which deployer is active, and what it has to be told again after an edit."""

    def __init__(self) -> None:
        self.deployer: Deployer | None = None
        self.registered: dict[str, Callable[[], object]] = {}
        self._installed = False

    def activate(self, deployer: Deployer) -> None:
        """Give functions of this deployer's context an envelope from now on."""
        self.deployer = deployer
        self.registered.clear()
        deployer.on_change.append(self._register_again)
        if not self._installed:
            self._install()
            self._installed = True

    def deactivate(self) -> None:
        """Leave pyspark to itself."""
        if self.deployer:
            self.deployer.modules.end()
        self.deployer = None

    def of(self, context: object) -> Deployer | None:
        """The deployer, if it is this context's."""
        return self.deployer if self.deployer and self.deployer.context is context else None

    def _register_again(self) -> None:
        """SQL knows a function by what it was when it was registered."""
        for register in list(self.registered.values()):
            register()

    def _install(self) -> None:
        prepare = rdds._prepare_for_python_RDD
        self.plans = Plans(prepare)

        @functools.wraps(prepare)
        def enveloped(context: Any, command: Any) -> Any:  # noqa: ANN401  # pyspark's
            deployer = self.of(context)
            envelope = deployer.envelope(command) if deployer else command
            return (
                self.plans.prepare(context, envelope) if isinstance(envelope, Envelope) else prepare(context, envelope)
            )

        for module in (rdds, udfs):
            vars(module)["_prepare_for_python_RDD"] = enveloped
        self._renew_cached(udfs.UserDefinedFunction, "_judf", "_judf_placeholder")
        self._renew_cached(udtfs.UserDefinedTableFunction, "_judtf", "_judtf_placeholder")
        self._renew_rdds()
        self._renew_frames()
        for kind, name in ((rdds.RDD, "persist"), (frames(), "persist"), (frames(), "cache")):
            self._keep_cached(kind, name)
        self._refuse_data_sources()
        self._register_with(udfs.UDFRegistration)
        self._register_with(udtfs.UDTFRegistration)
        self._hold_broadcasts()

    def _renew_cached(self, kind: type, name: str, cached: str) -> None:
        """A UDF keeps the bytes that it was turned into: not beyond an edit."""
        made = vars(kind)[name].fget

        def renewed(this: Any) -> Any:  # noqa: ANN401
            if self.deployer:
                self.deployer.refresh()
                digest = self.deployer.version.digest
                if getattr(this, cached) is not None and this.__dict__.get("_sparkspace") != digest:
                    setattr(this, cached, None)
                    _transpile_again(this)
                this._sparkspace = digest
            return made(this)

        setattr(kind, name, property(renewed))

    def _renew_rdds(self) -> None:
        """So does an RDD. What is cached stays; what is below a shuffle can't be renewed, and workers refuse it."""
        made = vars(rdds.PipelinedRDD)["_jrdd"].fget

        def renewed(this: Any) -> Any:  # noqa: ANN401
            deployer = self.of(this.ctx)
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

        rdds.PipelinedRDD._jrdd = property(renewed)
        rdds.RDD._jrdd = property(self._read_jrdd, self._write_jrdd)

    def _read_jrdd(self, rdd: Any) -> Any:  # noqa: ANN401
        deployer, jrdd = self.of(rdd.ctx), rdd.__dict__["_jrdd"]
        if deployer:
            _forget_shuffles(jrdd, deployer.edits)
        return jrdd

    def _write_jrdd(self, rdd: Any, jrdd: Any) -> None:  # noqa: ANN401
        rdd.__dict__["_jrdd"] = jrdd
        if self.deployer and hasattr(jrdd, "__dict__"):
            vars(jrdd)["_sparkspace_edits"] = self.deployer.edits

    def _refuse_data_sources(self) -> None:
        """Spark unpickles them in processes on the driver's machine that pickle them anew, by name, for executors."""
        if IS_OLD:
            return  # Spark 3.5 has none
        kind = importlib.import_module("pyspark.sql.datasource")
        register = kind.DataSourceRegistration.register

        @functools.wraps(register)
        def registered(this: Any, source: Any) -> Any:  # noqa: ANN401
            deployer = self.deployer
            if deployer:
                deployer.refresh()
                if source.__module__.partition(".")[0] in deployer.version.units:
                    raise UsageError(
                        f"{source.__module__}.{source.__qualname__} is a Python data source of your project's, and "
                        "those can't be shipped.",
                        "Install its package on the cluster (requirements.txt), or define the class in the notebook.",
                    )
            return register(this, source)

        kind.DataSourceRegistration.register = registered

    def _keep_cached(self, kind: Any, name: str) -> None:  # noqa: ANN401
        """Executors may have to make again what is cached."""
        cache = getattr(kind, name)

        @functools.wraps(cache)
        def cached(this: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            result = cache(this, *args, **kwargs)
            if self.deployer:
                self.deployer.keep()
            return result

        setattr(kind, name, cached)

    def _renew_frames(self) -> None:
        """And so does the plan of a DataFrame; one that has run keeps its shuffles, too. What is cached stays."""

        def current(this: Any) -> Any:  # noqa: ANN401
            known = vars(this)
            frame = known.get("_sparkspace_jdf") or known.get("_jdf")
            deployer = self.deployer
            if deployer is None or known.get("_sparkspace") == deployer.version.digest:
                return frame
            known["_sparkspace"] = deployer.version.digest
            if self.of(this.sparkSession.sparkContext):
                known["_sparkspace_jdf"] = frame = self.plans.renewed(deployer, frame)
            return frame

        def made(this: Any, frame: Any) -> None:  # noqa: ANN401
            vars(this)["_sparkspace_jdf"] = frame
            vars(this)["_sparkspace"] = self.deployer.version.digest if self.deployer else ""

        kind: Any = frames()
        kind._jdf = property(current, made)
        kept = vars(kind)["rdd"]
        rdd = getattr(kept, "fget", None) or kept.func  # another sort of property in each line of Spark

        def of_current(this: Any) -> Any:  # noqa: ANN401
            known, frame = vars(this), this._jdf
            if known.get("_sparkspace_rdd", (None,))[0] is not frame:
                known["_lazy_rdd"] = None
                known["_sparkspace_rdd"] = (frame, rdd(this))
            return known["_sparkspace_rdd"][1]

        kind.rdd = property(of_current)
        for name in ("sql", "table"):
            self._renew_views(name)

    def _renew_views(self, name: str) -> None:
        """A view that was made before an edit comes with functions from before."""
        asked = getattr(SparkSession, name)

        @functools.wraps(asked)
        def renewed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            frame = asked(*args, **kwargs)
            if self.deployer and self.deployer.edits:
                frame._sparkspace = ""
            return frame

        setattr(SparkSession, name, renewed)

    def _register_with(self, kind: Any) -> None:  # noqa: ANN401
        register = vars(kind)["register"]

        @functools.wraps(register)
        def registered(this: Any, name: str, f: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            result = register(this, name, f, *args, **kwargs)
            again = functools.partial(_register_current, register, this, name, f, *args, **kwargs)
            self.registered[f"{kind.__name__}.{id(_session(this))}.{name.lower()}"] = again
            return result

        kind.register = registered

    def _hold_broadcasts(self) -> None:
        """A broadcast is unpickled before the function that uses it, and so before the code is there: hold it back."""
        kind = broadcasts.Broadcast
        dump, load = kind.dump, kind.load

        @functools.wraps(dump)
        def held(this: Any, value: Any, file: Any) -> None:  # noqa: ANN401
            deployer = self.of(this._sc)
            if deployer and not deployer.sending and not isinstance(value, _PLAIN):
                deployer.refresh()  # a line may have imported and broadcast it at once
                inner = pickling.by_name(value, deployer.version.units, deployer.formers)
                value = (HELD, inner) if inner is not None else value
            dump(this, value, file)

        @functools.wraps(load)
        def released(this: Any, file: io.BufferedIOBase) -> Any:  # noqa: ANN401
            value = load(this, file)
            is_held = type(value) is tuple and len(value) == 2 and value[0] == HELD
            return pickle.loads(value[1]) if is_held and this._sc is not None else value

        kind.dump, kind.load = held, released


def _session(registration: Any) -> object:  # noqa: ANN401
    """``spark.udf`` is another object each time; its session is not."""
    return getattr(registration, "sparkSession", registration)


def _register_current(register: Any, this: Any, name: str, f: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
    """Register what now has the name of the function ``f``; a UDF that was made of one is renewed by itself."""
    is_made = hasattr(f, "asNondeterministic")
    register(this, name, f if is_made else pickling.current(f), *args, **kwargs)


def _forget_shuffles(jrdd: Any, edits: int) -> None:  # noqa: ANN401
    """What an earlier run of an RDD has left would be used without a word: old results. Workers refuse to run it again.

    ``RDD.cleanShuffleDependencies`` leaves alone what is below cached data.
    """
    if vars(jrdd).get("_sparkspace_edits", edits) != edits:
        jrdd.rdd().cleanShuffleDependencies(False)
    vars(jrdd)["_sparkspace_edits"] = edits


def _transpile_again(this: Any) -> None:  # noqa: ANN401
    """Spark 4.3 may have turned the function's source into an expression (``optimizer.transpilePyUDFs``)."""
    if getattr(this, "transpiled", None):
        this.__init__(this.func, this._returnType, this._name, this.evalType, this.deterministic)


HOOKS = Hooks()
IS_OLD = pyspark.__version__.startswith("3.")
