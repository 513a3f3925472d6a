"""A box's config vars: what is refused, and what the box adds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..config import Settings
from ..errors import ConfigError

MOST_BYTES = 64 * 1024


def check(config: Mapping[str, str]) -> None:
    """Refuse what Heroku or a launcher would refuse.

    Raises:
        ConfigError: with the name.
    """
    for name, value in config.items():
        if (
            not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
            or name.startswith(("HEROKU_", "__"))
            or name in ("DYNO", "PORT")
        ):
            raise ConfigError(
                name, "can't be the name of a config var: letters, digits and _, and not one of Heroku's own"
            )
        if "\x00" in value:
            raise ConfigError(name, "must not hold a NUL character")
    if sum(len(name) + len(value) for name, value in config.items()) > MOST_BYTES:
        raise ConfigError("The config", f"must be at most {MOST_BYTES // 1024} kB in all")
    Settings.from_env(config)


def with_access(config: Mapping[str, str], token: str) -> dict[str, str]:
    """The config vars, with the API's own token if cycling or scaling is asked for and has none."""
    which, lifetime, most = (
        config.get(var, "").strip()
        for var in ("SPARKSPACE_CYCLING", "SPARKSPACE_DYNO_LIFETIME_HOURS", "SPARKSPACE_WORKERS_MAX")
    )
    wanted = most or (which != "off" and (which or lifetime not in ("", "off")))
    has_one = config.get("SPARK_HEROKU_ACCESS_TOKEN", "").strip()
    return {**config, **({"SPARK_HEROKU_ACCESS_TOKEN": token} if wanted and not has_one else {})}
