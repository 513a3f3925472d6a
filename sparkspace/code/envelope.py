"""What a function is sent in, and how the version that it needs gets to the executors."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from pyspark import SparkContext, cloudpickle

from . import boot, lazy, parcel, start
from .parcel import Version
from .project import reasons

KEPT = 8  # versions that can be gone back to without sending them again

cloudpickle.register_pickle_by_value(start)  # type: ignore[no-untyped-call]  # pyspark has no types for it


@dataclass(frozen=True)
class Envelope:
    """A pickled function, and what a worker needs before it unpickles that.

    ``renewable``: whether nothing of the user's packages is in ``inner`` but names.
    """

    parcels: tuple[Any, ...]
    digest: str
    inner: bytes
    ran: Any
    renewable: bool

    def __reduce__(self) -> tuple[Any, ...]:
        return start.start, (list(self.parcels), self.digest, self.inner, self.ran)

    def of(self, version: Version, parcels: tuple[Any, ...]) -> Envelope:
        """The same function, with another version."""
        return replace(self, parcels=parcels, digest=version.digest)


class Sender:
    """The versions that executors were given: broadcasts, of all files, or of what differs from another version."""

    def __init__(self, context: SparkContext) -> None:
        self.is_sending = False
        self._context = context
        self._sent: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._base_size = 0
        self._base: tuple[Version, tuple[Any, ...]] | None = None

    def parcels(self, version: Version) -> tuple[Any, ...]:
        """The broadcasts that have a version: one, or one with what differs from the second."""
        if version.digest not in self._sent:
            self._sent[version.digest] = self._send(version)
        self._sent.move_to_end(version.digest)
        while len(self._sent) > KEPT:
            self._sent.popitem(last=False)
        return self._sent[version.digest]

    def _send(self, version: Version) -> tuple[Any, ...]:
        if self._base:
            base, parcels = self._base
            zipped = parcel.packed(version, base.files)
            if len(zipped) * 2 < self._base_size:
                return (self._broadcast(version, zipped), *parcels)
        zipped = parcel.packed(version)
        self._base_size = len(zipped)
        self._base = (version, (self._broadcast(version, zipped),))
        return self._base[1]

    def _broadcast(self, version: Version, zipped: bytes) -> Any:  # noqa: ANN401  # a Broadcast
        content = {
            "boot": boot.sources(),
            "digest": version.digest,
            "zip": zipped,
            "units": sorted(version.units),
            "reasons": reasons(version),
            "lazy": lazy.first(version),
        }
        self.is_sending = True  # there is nothing of the user's classes in it
        try:
            return self._context.broadcast(content)
        finally:
            self.is_sending = False
