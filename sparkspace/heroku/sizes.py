"""Dyno sizes of a Private Space: what they hold and what they cost. The only place that has prices.

Sources: devcenter.heroku.com/articles/dyno-types (memory), and the list that the ``heroku`` command itself prints
(``src/commands/ps/type.ts`` of heroku/cli; dollars, without Shield). Cores are those that a dyno of the size shows.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_A_MONTH = 720  # after which Heroku's monthly price is reached; dynos are billed by the second


@dataclass(frozen=True)
class Size:
    """A dyno size."""

    memory_mb: int
    cores: int
    dollars_a_month: int


SIZES = {
    "private-s": Size(1024, 2, 225),
    "private-m": Size(2560, 2, 450),
    "private-l": Size(14 * 1024, 8, 900),
    "private-l-ram": Size(30 * 1024, 4, 500),
    "private-xl": Size(62 * 1024, 8, 750),
    "private-2xl": Size(126 * 1024, 16, 1500),
}
