"""A driver's pages: its properties and what it measures, through the master that shows them at /proxy/ID/.

Sources: ``ApiRootResource`` (/api/v1) and ``MetricsServlet`` (/metrics/json) of Spark; both are on wherever its UI is.
"""

from __future__ import annotations

from typing import Any

from .master import ANSWER_WITHIN_S, Application

ALLOCATION = "ExecutorAllocationManager.executors"


def properties(master_url: str, application: Application) -> dict[str, str] | None:
    """Its Spark properties, secrets masked; None: it does not answer. They don't change while it runs."""
    page = _get(f"{master_url}/proxy/{application.id}/api/v1/applications/{application.id}/environment")
    try:
        return {str(key): str(value) for key, value in page["sparkProperties"]} if page else None
    except (KeyError, TypeError, ValueError):
        return None


def executors(master_url: str, application: Application) -> tuple[int, int] | None:
    """How many executors it wants now, and how many it has; None: no answer, or it has no dynamic allocation.

    What it wants grows within seconds to what its tasks need, up to its limits (``ExecutorAllocationManager``).
    """
    page = _get(f"{master_url}/proxy/{application.id}/metrics/json/")
    try:
        gauges = page["gauges"] if page else {}
        wanted, present = (
            next(int(gauge["value"]) for name, gauge in gauges.items() if name.endswith(f".{ALLOCATION}.{each}"))
            for each in ("numberTargetExecutors", "numberAllExecutors")
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RuntimeError):
        return None
    return wanted, present


def shuffle_bytes(master_url: str, application: str) -> dict[str, int] | None:
    """What each executor has written for shuffles, ended ones too (a hundred: ``spark.ui.retainedDeadExecutors``).

    Returns:
        Bytes by the executor's id; None: no answer.
    """
    page = _get(f"{master_url}/proxy/{application}/api/v1/applications/{application}/allexecutors")
    try:
        return {str(executor["id"]): int(executor["totalShuffleWrite"]) for executor in page} if page else None
    except (KeyError, TypeError, ValueError):
        return None


def _get(url: str) -> Any:  # noqa: ANN401
    """The JSON there; None: there is none."""
    import requests

    with requests.Session() as session:
        session.trust_env = False  # no HTTP proxy stands between two dynos
        try:
            reply = session.get(url, timeout=ANSWER_WITHIN_S, allow_redirects=False)
            reply.raise_for_status()
            return reply.json()
        except (requests.RequestException, ValueError, RecursionError):
            return None
