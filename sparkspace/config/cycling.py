"""Graceful cycling: which workers a master that has started may restart, and with which token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError
from .checks import text, whole

WORKERS = ("missing", "all", "off")


@dataclass(frozen=True)
class Cycling:
    """Graceful cycling is on."""

    token: str = field(repr=False)
    everybody: bool  # all workers, and not only those that stay away
    wait_s: int  # the time that a worker has to register by itself
    least_age_minutes: int  # a younger dyno is left alone, so none is restarted twice in this time

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Cycling | None:
        """None: there is no token, or it is turned off.

        Raises:
            ConfigError: a value is wrong, also when it is off.
        """
        which = text(env, "SPARKSPACE_CYCLING") or WORKERS[0]
        if which not in WORKERS:
            raise ConfigError("SPARKSPACE_CYCLING", f"must be one of {', '.join(WORKERS)}", which, WORKERS[0])
        wait_s = whole(env, "SPARKSPACE_CYCLING_WAIT_S", 120, 5, 3600)
        least_age_minutes = whole(env, "SPARKSPACE_CYCLING_AGE_MINUTES", 60, 1, 1440)
        token = _token(env)
        return cls(token, which == "all", wait_s, least_age_minutes) if token and which != "off" else None


def _token(env: Mapping[str, str]) -> str:
    var = "SPARK_HEROKU_ACCESS_TOKEN"
    token = text(env, var)
    if not re.fullmatch(r"[!-~]*", token):
        example = "$(heroku authorizations:create --scope write --short)"
        raise ConfigError(var, "must be printable ASCII without blanks (it is not shown here)", example=example)
    return token
