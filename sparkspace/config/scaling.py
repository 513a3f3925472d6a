"""Scaling: how few and how many worker dynos there may be, when idle ones go, and what a day may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfigError
from .checks import text, whole

LEAST, MOST = "SPARKSPACE_WORKERS_MIN", "SPARKSPACE_WORKERS_MAX"
IDLE, BUDGET = "SPARKSPACE_IDLE_MINUTES", "SPARKSPACE_MAX_DYNO_HOURS_PER_DAY"
MOST_WORKERS = 1000


@dataclass(frozen=True)
class Scaling:
    """The number of worker dynos follows the work."""

    least: int
    most: int
    idle_minutes: int  # a worker on which nothing has run for so long goes
    dyno_hours_per_day: int | None  # of all workers together; None: no limit

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Scaling | None:
        """None: ``SPARKSPACE_WORKERS_MAX`` is not set, and the operator scales by hand.

        Raises:
            ConfigError: a value is wrong, or there is one without the maximum.
        """
        if not text(env, MOST):
            given = [var for var in (LEAST, IDLE, BUDGET) if text(env, var)]
            if given:
                raise ConfigError(MOST, f"must be set, too, when {given[0]} is", example="4")
            return None
        most = whole(env, MOST, 1, 1, MOST_WORKERS)
        least = whole(env, LEAST, 1, 0, MOST_WORKERS)
        if least > most:
            raise ConfigError(LEAST, f"must be at most {MOST}, which is {most}", str(least), str(most))
        hours = whole(env, BUDGET, 24, 1, 24 * MOST_WORKERS) if text(env, BUDGET) else None
        return cls(least, most, whole(env, IDLE, 10, 1, 1440), hours)
