"""DataFrames that were made before an edit: their plans hold functions as bytes, and get those of the version now.

A Broadcast of the user's, once pickled into a function, is known to Spark by its number: it goes along.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from py4j.java_gateway import JavaClass  # type: ignore[import-untyped]

from .deploy import Deployer
from .envelope import Envelope

REMEMBERED = 4096  # functions, some kilobytes each

Prepare = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Sent:
    """A function as it was sent: its envelope, and the user's broadcasts (those of the JVM) that belong to it."""

    envelope: Envelope
    broadcasts: tuple[Any, ...]


class Plans:
    """Which functions were sent, and how they are put into a plan anew."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._sent: OrderedDict[str, Sent] = OrderedDict()

    def prepare(self, context: Any, envelope: Envelope) -> Any:  # noqa: ANN401  # pyspark's
        """pyspark's ``_prepare_for_python_RDD``, with its result remembered."""
        ours = {id(each._jbroadcast) for each in envelope.parcels}
        prepared = self._prepare(context, envelope)
        self._remember(prepared[0], Sent(envelope, tuple(each for each in prepared[1] if id(each) not in ours)))
        return prepared

    def _remember(self, command: bytes, sent: Sent) -> None:
        self._sent[hashlib.sha1(command).hexdigest()] = sent
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def has_functions(self, deployer: Deployer, frame: Any) -> bool:  # noqa: ANN401  # a DataFrame of the JVM
        """Whether Python functions are in its plan; true if that can't be told."""
        jvm: Any = deployer.context._jvm
        plans = jvm.org.apache.spark.sparkspace.Plans
        return not isinstance(plans, JavaClass) or bool(dict(plans.functions(frame.queryExecution())))

    def renewed(self, deployer: Deployer, frame: Any) -> Any:  # noqa: ANN401  # DataFrames of the JVM
        """The DataFrame with nothing of it run yet, and its functions of the current version, where those are known."""
        jvm: Any = deployer.context._jvm
        plans, query = jvm.org.apache.spark.sparkspace.Plans, frame.queryExecution()
        if not isinstance(plans, JavaClass):  # but a package: py4j takes any unknown name for one
            # A Spark that sparkspace has not installed. Workers refuse older functions.
            return dataset(jvm).ofRows(frame.sparkSession(), query.logical())
        others = jvm.java.util.HashMap()
        for command, function in dict(plans.functions(query)).items():
            sent = self._sent.get(command)
            if sent and sent.envelope.renewable and sent.envelope.digest != deployer.version.digest:
                others[command] = self._function(deployer, sent, function)
        return dataset(jvm).ofRows(frame.sparkSession(), plans.renewed(query, others))

    def _function(self, deployer: Deployer, sent: Sent, old: Any) -> Any:  # noqa: ANN401
        context: Any = deployer.context
        command, broadcasts, env, includes = self.prepare(context, deployer.again(sent.envelope))
        self._remember(command, Sent(deployer.again(sent.envelope), sent.broadcasts))
        return context._jvm.SimplePythonFunction(
            bytearray(command), env, includes, context.pythonExec, context.pythonVer,
            [*broadcasts, *sent.broadcasts], context._javaAccumulator,
        )  # fmt: skip


def dataset(jvm: Any) -> Any:  # noqa: ANN401
    """The class of DataFrames in the JVM; another from Spark 4.0 on."""
    classic = jvm.org.apache.spark.sql.classic.Dataset
    return classic if isinstance(classic, JavaClass) else jvm.org.apache.spark.sql.Dataset
