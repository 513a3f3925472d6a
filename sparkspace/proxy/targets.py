"""Who is asked for measurements: every master, and through the one that leads its workers and drivers.

The web process dials masters only, for their names are known here. Where workers and drivers say they are is for the
master to believe, which shows their pages at /proxy/ID/ anyway. Sources: ``PrometheusServlet``, whose paths are in
conf-templates/spark-defaults.conf.j2, and ``PrometheusResource`` (a driver's, for its executors).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit

from prometheus_client import Metric

from .. import ports
from ..cluster.master import Application, Worker
from ..cluster.tally import COUNTS
from ..config import Backend
from .families import Labels, of_spark, parse
from .lookout import View

PRESENT = ("ALIVE", "DECOMMISSIONED")  # states of a worker that runs


@dataclass(frozen=True)
class Target:
    """A page of measurements, who it is of, and how its text is read. ``sealed``: it wants, and gives, the secret."""

    role: str
    url: str
    labels: Labels  # of all that it measures
    read: Callable[[str], list[Metric]]
    sealed: bool = False


def targets(view: View, app: str) -> Iterator[Target]:
    """All that can be asked now. ``app``: whose web process this is."""
    for status, address in zip(view.masters, view.addresses, strict=True):
        if address:
            labels = {"role": "master", "dyno": dyno_of(status.url, app)}
            yield Target("master", f"http://{address}/metrics/master/prometheus/", labels, of_spark)
    if view.leader is None or not view.master:
        return
    yield _tally(view.master, dyno_of(view.leader.url, app))
    for worker in reversed(view.leader.workers):  # of two of one name the newer one comes first
        if worker.state in PRESENT:
            yield _worker(f"http://{view.master}", worker, app)
    for application in view.leader.applications:
        yield from _driver(f"http://{view.master}", application)


def _tally(master: str, dyno: str) -> Target:
    host = master.rpartition(":")[0]
    return Target("tally", f"http://{host}:{ports.TALLY}{COUNTS}", {"dyno": dyno}, parse, sealed=True)


def _worker(master: str, worker: Worker, app: str) -> Target:
    labels = {"role": "worker", "dyno": dyno_of(worker.page, app) or worker.host}
    return Target("worker", f"{master}/proxy/{quote(worker.id, safe='')}/metrics/prometheus/", labels, of_spark)


def _driver(master: str, application: Application) -> Iterator[Target]:
    read = partial(of_spark, application=application.id, name=application.name)
    labels = {"application_id": application.id, "application_name": application.name}
    for role, path in (("driver", "/metrics/prometheus/"), ("executor", "/metrics/executors/prometheus/")):
        yield Target(role, f"{master}/proxy/{quote(application.id, safe='')}{path}", {"role": role, **labels}, read)


def dyno_of(url: str, app: str) -> str:
    """``worker.2`` of the page of a dyno of ``app``; the whole name of another's; empty: the URL has no host."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    backend = Backend.parse(f"{host}:{ports.MASTER_UI}")
    return backend.dyno if backend and backend.app == app else host
