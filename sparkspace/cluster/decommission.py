"""Having a master decommission a worker: it gets no more work, and its executors finish what they have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from .. import conf, launch, ports, sizing
from ..errors import CheckFailed
from . import doctor, roles

SCRIPT = Path(__file__).parent.parent / "code" / "decommission.py"
WITHIN_S = 90.0  # a JVM has to start, on a dyno that may be busy
# It opens one connection. A heap of the driver's usual size could be more than a master's dyno has left.
FLAGS = ("--master", "local[1]", "--driver-memory", "512m", "--conf", "spark.ui.enabled=false")
MARK = "sparkspace-decommission "
# Of the operator's own properties: what else they are for (packages, plugins, memory) would only be in the way.
RPC_PROPERTIES = ("spark.authenticate", "spark.network.", "spark.rpc.", "spark.ssl.")


def decommission(place: roles.Place, master_host: str, workers: list[str]) -> int:
    """Tell the master, from this dyno, about workers, by their addresses. Returns how many of them it knew.

    Raises:
        CheckFailed: it could not be told.
    """
    words = [str(SCRIPT), master_host, str(ports.MASTER), *workers]
    client = roles.client(_plain(place), "spark-submit", [*FLAGS, *words], sizing.Executor(512))
    outcome = launch.run(client.command(conf.write(client.files)), WITHIN_S, lambda: "")
    lines = [line for line in outcome.stdout.splitlines() if line.startswith(MARK)]
    if outcome.code or not lines:
        how = "had no answer in time" if outcome.code is None else f"failed with exit code {outcome.code}"
        raise CheckFailed(f"Telling the master to decommission {how}.", doctor.last_lines(outcome.stderr, 5))
    return int(json.loads(lines[-1][len(MARK) :])["decommissioned"])


def _plain(place: roles.Place) -> roles.Place:
    """The place without what an operator has set for drivers that work."""
    kept = tuple(pair for pair in place.settings.extra_conf if pair[0].startswith(RPC_PROPERTIES))
    return replace(place, settings=replace(place.settings, driver_memory_mb=None, allocation=None, extra_conf=kept))
