"""A worker's JSON page: what runs there. Source: ``WorkerPage.renderJson`` and ``JsonProtocol`` of Spark's ``deploy``.

The master forgets the executors of a worker that is being decommissioned at once (``Master.decommissionWorker``), long
before they have ended: only the worker itself knows.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from .. import ports
from .master import Worker

ANSWER_WITHIN_S = 5.0


def applications(worker: Worker, timeout_s: float = ANSWER_WITHIN_S) -> list[str] | None:
    """The application's id of each executor that runs on a worker; None: it does not answer.

    It is asked at its address, for a name may lag behind, and at the port of the page that it announces.
    """
    found = _executors(worker, "executors", timeout_s)
    return None if found is None else [application for application, _ in found]


def ended(worker: Worker, timeout_s: float = ANSWER_WITHIN_S) -> list[tuple[str, str]] | None:
    """Application and id of the executors that have ended there, of which it remembers 1000 (``retainedExecutors``)."""
    return _executors(worker, "finishedexecutors", timeout_s)


def _executors(worker: Worker, which: str, timeout_s: float) -> list[tuple[str, str]] | None:
    import requests

    session = requests.Session()
    session.trust_env = False  # no HTTP proxy stands between two dynos
    try:
        url = f"http://{worker.host}:{urlsplit(worker.page).port or ports.WORKER_UI}/json/"
        reply = session.get(url, timeout=timeout_s, allow_redirects=False)
        reply.raise_for_status()
        return [(str(executor["appid"]), str(executor["id"])) for executor in reply.json()[which]]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return None
