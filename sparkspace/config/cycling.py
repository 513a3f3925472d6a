"""Cycling: which workers a master that has started may restart, when dynos have their turns, and with which token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ..errors import ConfigError
from .checks import text, whole

WORKERS = ("missing", "all", "off")
TOKEN = "SPARK_HEROKU_ACCESS_TOKEN"
LEAST_LIFETIME_HOURS = 0.05
MOST_LIFETIME_HOURS = 24.0  # when Heroku's own restart comes: devcenter.heroku.com/articles/dynos


@dataclass(frozen=True)
class Cycling:
    """Cycling is on."""

    token: str = field(repr=False)
    everybody: bool  # all workers, and not only those that stay away
    wait_s: int  # the time that a worker has to register by itself
    least_age_minutes: int  # a younger dyno is left alone, so none is restarted twice in this time
    lifetime: timedelta | None  # before its end, a dyno has its turn; None: Heroku's own time is waited for

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
        lifetime = _lifetime(env)
        found = token(env)
        return cls(found, which == "all", wait_s, least_age_minutes, lifetime) if found and which != "off" else None


def token(env: Mapping[str, str]) -> str:
    """The token of the Platform API; empty: there is none.

    Raises:
        ConfigError: it can't be one.
    """
    found = text(env, TOKEN)
    if not re.fullmatch(r"[!-~]*", found):
        raise new_token("must be printable ASCII without blanks (it is not shown here)")
    return found


def new_token(must: str) -> ConfigError:
    """The error for a token that is missing or can't be one."""
    return ConfigError(TOKEN, must, example="$(heroku authorizations:create --scope write --short)")


def _lifetime(env: Mapping[str, str]) -> timedelta | None:
    """Hours, with a fraction or without; ``off`` for none."""
    var = "SPARKSPACE_DYNO_LIFETIME_HOURS"
    found = text(env, var) or "22"
    if found == "off":
        return None
    hours = float(found) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,4})?", found, re.ASCII) else 0.0
    if not LEAST_LIFETIME_HOURS <= hours <= MOST_LIFETIME_HOURS:
        must = f"must be a number of hours from {LEAST_LIFETIME_HOURS} to {MOST_LIFETIME_HOURS:g}, or off"
        raise ConfigError(var, must, found, "22")
    return timedelta(hours=hours)
