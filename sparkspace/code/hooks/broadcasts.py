"""Broadcasts are unpickled before the function that uses them, and so before the code is there: they are held back."""

from __future__ import annotations

import functools
import io
import pickle
from typing import Any

from .. import pickling
from ..boot.broadcasts import HELD
from .active import Hooks
from .spark import broadcasts

_PLAIN = (bytes, bytearray, str, int, float, bool, type(None))


def install(hooks: Hooks) -> None:
    """Put the seams in."""
    kind = broadcasts.Broadcast
    kind.dump, kind.load = _held(hooks, kind.dump), _released(kind.load)


def _held(hooks: Hooks, dump: Any) -> Any:  # noqa: ANN401  # pyspark's
    @functools.wraps(dump)
    def held(this: Any, value: Any, file: Any) -> None:  # noqa: ANN401
        deployer = hooks.of(this._sc)
        if deployer and not deployer.sender.is_sending and not isinstance(value, _PLAIN):
            deployer.refresh()  # a line may have imported and broadcast it at once
            inner = pickling.by_name(value, deployer.version.units, deployer.driver.formers)
            value = (HELD, inner) if inner is not None else value
        dump(this, value, file)

    return held


def _released(load: Any) -> Any:  # noqa: ANN401
    @functools.wraps(load)
    def released(this: Any, file: io.BufferedIOBase) -> Any:  # noqa: ANN401
        value = load(this, file)
        is_held = type(value) is tuple and len(value) == 2 and value[0] == HELD
        return pickle.loads(value[1]) if is_held and this._sc is not None else value

    return released
