"""``bin/space-proxy``: the web process, which shows Spark's pages to those who have the password."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import Dyno, Settings
from ..errors import UsageError
from ..proxy import door


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Serve until stopped. Everything that can be wrong is looked at before anything starts.

    Raises:
        SparkspaceError: something is missing or wrong, or one of the two processes died.
    """
    if args:
        raise UsageError(
            f"{name} takes no arguments, but got {args[0]!r}.", "Config vars set it up: docs/config-vars.md"
        )
    door.serve(Dyno.from_env(env), Settings.from_env(env), env)
    return 0
