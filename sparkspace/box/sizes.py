"""Dyno sizes, as Heroku writes their names."""

from __future__ import annotations

from ..errors import UsageError
from ..heroku.sizes import SIZES

GB = 1024
_WRITTEN = ("Private-S", "Private-M", "Private-L", "Private-L-RAM", "Private-XL", "Private-2XL")
MEMORY_MB = {name: SIZES[name.lower()].memory_mb for name in _WRITTEN}
DEFAULT = "Private-M"  # the smallest that holds a Spark worker: several of them fit on a laptop


def canonical(name: str) -> str:
    """The size as Heroku writes it; case does not matter, nor does it there.

    Raises:
        UsageError: there is no such size.
    """
    for size in MEMORY_MB:
        if size.lower() == name.lower():
            return size
    raise UsageError(f"{name!r} is not a dyno size.", f"Sizes: {', '.join(MEMORY_MB)}")
