"""Dyno sizes of a Private Space. Memory: devcenter.heroku.com/articles/dyno-types."""

from __future__ import annotations

from ..errors import UsageError

GB = 1024
MEMORY_MB = {
    "Private-S": 1 * GB,
    "Private-M": 2560,
    "Private-L": 14 * GB,
    "Private-L-RAM": 30 * GB,
    "Private-XL": 62 * GB,
    "Private-2XL": 126 * GB,
}
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
