"""A worker's JSON page: what runs there. Source: ``WorkerPage.renderJson`` and ``JsonProtocol`` of Spark's ``deploy``.

The master forgets the executors of a worker that is being decommissioned at once (``Master.decommissionWorker``), long
before they have ended: only the worker itself knows.
"""

from __future__ import annotations

from .. import ports

ANSWER_WITHIN_S = 5.0


def applications(host: str, timeout_s: float = ANSWER_WITHIN_S) -> list[str] | None:
    """The application's id of each executor that runs on the worker at ``host``; None: it does not answer."""
    import requests

    session = requests.Session()
    session.trust_env = False  # no HTTP proxy stands between two dynos
    try:
        reply = session.get(f"http://{host}:{ports.WORKER_UI}/json/", timeout=timeout_s, allow_redirects=False)
        reply.raise_for_status()
        return [str(executor["appid"]) for executor in reply.json()["executors"]]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None
