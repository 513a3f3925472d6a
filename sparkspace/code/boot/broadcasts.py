"""Broadcasts of the user's classes."""

from __future__ import annotations

import functools
import pickle
import sys
from collections.abc import Callable
from typing import Any

HELD = "sparkspace-held"  # how a broadcast's value begins if it has objects of the user's classes


def hold_broadcasts(version: Callable[[], str]) -> None:
    """Have broadcast values of the user's classes made from the classes that are current when they are asked for."""
    module = sys.modules.get("pyspark.core.broadcast") or sys.modules.get("pyspark.broadcast")
    if module is None:
        return
    kind = lazy_broadcast(module.Broadcast)
    for broadcast in module._broadcastRegistry.values():
        if type(broadcast) is module.Broadcast:
            broadcast.__class__ = kind
            broadcast._version = version


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
            if self.__dict__.get("_made_by") != self._version():
                self._made, self._made_by = pickle.loads(raw[1]), self._version()
            return self._made

    return LazyBroadcast
