"""Dynamic allocation: how many executors an application may have, when idle ones go, and who keeps what they wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfigError
from .checks import text, whole

VAR = "SPARKSPACE_DYNAMIC_ALLOCATION"
KINDS = ("false", "true", "tracking")
MOST_EXECUTORS = 10_000
LONGEST_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Allocation:
    """Dynamic allocation is on. Times are in seconds."""

    least: int  # executors of an application
    most: int
    idle_s: int  # an executor without work goes after this time
    cached_idle_s: int  # one that has cached data
    by_service: bool  # shuffle files are served by the Worker when their executor has gone; else it stays while needed

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Allocation | None:
        """None: it is off.

        Raises:
            ConfigError: a value is wrong, also when it is off.
        """
        kind = text(env, VAR).lower() or KINDS[0]
        if kind not in KINDS:
            raise ConfigError(VAR, f"must be one of {', '.join(KINDS)}", text(env, VAR), "true")
        most = whole(env, f"{VAR}_MAX_EXECUTORS", 10, 1, MOST_EXECUTORS)
        found = cls(
            least=whole(env, f"{VAR}_MIN_EXECUTORS", 0, 0, MOST_EXECUTORS),
            most=most,
            idle_s=whole(env, f"{VAR}_IDLE_S", 60, 1, LONGEST_S),
            cached_idle_s=whole(env, f"{VAR}_CACHED_IDLE_S", 1200, 1, LONGEST_S),
            by_service=kind == "true",
        )
        if found.least > most:
            must = f"must be at most {VAR}_MAX_EXECUTORS, which is {most}"
            raise ConfigError(f"{VAR}_MIN_EXECUTORS", must, str(found.least), "0")
        return None if kind == "false" else found
