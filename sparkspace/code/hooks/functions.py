"""Functions on their way to workers: in an envelope, and pickled again after an edit."""

from __future__ import annotations

import functools
from typing import Any

from pyspark.sql import udf as udfs
from pyspark.sql import udtf as udtfs

from .. import pickling
from ..envelope import Envelope
from .active import Hooks
from .spark import rdds


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    _give_envelopes(hooks)
    _renew_cached(hooks, udfs.UserDefinedFunction, "_judf", "_judf_placeholder")
    _renew_cached(hooks, udtfs.UserDefinedTableFunction, "_judtf", "_judtf_placeholder")
    _remember_registered(hooks, udfs.UDFRegistration)
    _remember_registered(hooks, udtfs.UDTFRegistration)


def _give_envelopes(hooks: Hooks) -> None:
    prepare = rdds._prepare_for_python_RDD

    @functools.wraps(prepare)
    def enveloped(context: Any, command: Any) -> Any:  # noqa: ANN401  # pyspark's
        deployer = hooks.of(context)
        envelope = deployer.envelope(command) if deployer else command
        if isinstance(envelope, Envelope):
            return hooks.plans.prepare(context, envelope)
        return prepare(context, envelope)

    for module in (rdds, udfs):
        vars(module)["_prepare_for_python_RDD"] = enveloped


def _renew_cached(hooks: Hooks, kind: type, name: str, cached: str) -> None:
    """A UDF keeps the bytes that it was turned into: not beyond an edit."""
    made = vars(kind)[name].fget

    def renewed(this: Any) -> Any:  # noqa: ANN401
        if hooks.deployer:
            hooks.deployer.refresh()
            digest = hooks.deployer.version.digest
            if getattr(this, cached) is not None and this.__dict__.get("_sparkspace") != digest:
                setattr(this, cached, None)
                _transpile_again(this)
            this._sparkspace = digest
        return made(this)

    setattr(kind, name, property(renewed))


def _transpile_again(this: Any) -> None:  # noqa: ANN401
    """Spark 4.3 may have turned the function's source into an expression (``optimizer.transpilePyUDFs``)."""
    if getattr(this, "transpiled", None):
        this.__init__(this.func, this._returnType, this._name, this.evalType, this.deterministic)


def _remember_registered(hooks: Hooks, kind: Any) -> None:  # noqa: ANN401
    register = vars(kind)["register"]

    @functools.wraps(register)
    def registered(this: Any, name: str, f: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        result = register(this, name, f, *args, **kwargs)
        again = functools.partial(_register_current, register, this, name, f, *args, **kwargs)
        hooks.registered[f"{kind.__name__}.{id(_session(this))}.{name.lower()}"] = again
        return result

    kind.register = registered


def _register_current(register: Any, this: Any, name: str, f: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
    """Register what now has the name of the function ``f``; a UDF that was made of one is renewed by itself."""
    is_made = hasattr(f, "asNondeterministic")
    register(this, name, f if is_made else pickling.current(f), *args, **kwargs)


def _session(registration: Any) -> object:  # noqa: ANN401
    """``spark.udf`` is another object each time; its session is not."""
    return getattr(registration, "sparkSession", registration)
