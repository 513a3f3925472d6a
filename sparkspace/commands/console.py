"""``bin/console``: a dyno that waits, so that a shell inside it starts at once."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from ..config import Dyno
from ..log import event


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Say how to get in, then sleep until the dyno is stopped."""
    dyno = Dyno.from_env(env)
    # Blocked before the line is printed: whoever reads it may stop us at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    event("ready", dyno=dyno.name, attach=f"heroku ps:exec --dyno={dyno.name}")
    stopped = signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 128 + stopped
