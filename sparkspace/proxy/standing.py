"""How the cluster stands, as the masters say it: what the start page shows, as measurements."""

from __future__ import annotations

from collections import Counter

from ..cluster.master import MasterStatus
from .families import Families
from .lookout import View
from .targets import dyno_of

MB = 1024 * 1024
# Those that are said even when there is none: a line in a dashboard that begins with the first trouble says less.
WORKERS = ("ALIVE", "DECOMMISSIONED", "DEAD", "UNKNOWN")
APPLICATIONS = ("RUNNING", "WAITING")


def standing(families: Families, view: View, app: str) -> None:
    """Add the masters, and what the one that leads knows. ``app``: whose web process this is."""
    for status in view.masters:
        dyno = dyno_of(status.url, app)
        families.gauge("sparkspace_master_state", "The state of each master.", 1, dyno=dyno, state=status.state)
    leader = view.leader or MasterStatus("", "DOWN")
    families.gauge("sparkspace_leader", "Whether a master leads.", int(view.leader is not None))
    _workers(families, leader)
    _applications(families, leader)


def _workers(families: Families, leader: MasterStatus) -> None:
    states = Counter(worker.state for worker in leader.workers)
    for state in dict.fromkeys((*WORKERS, *states)):
        families.gauge("sparkspace_workers", "Spark's workers that have registered.", states[state], state=state)
    alive = leader.alive_workers
    for name, help, value in (
        ("sparkspace_cores", "Cores that workers offer.", sum(worker.cores for worker in alive)),
        ("sparkspace_cores_used", "Cores that executors have.", sum(worker.cores_used for worker in alive)),
        ("sparkspace_memory_bytes", "Memory that workers offer.", sum(worker.memory_mb for worker in alive) * MB),
        ("sparkspace_memory_used_bytes", "Memory that executors have.", sum(w.memory_used_mb for w in alive) * MB),
    ):
        families.gauge(name, help, value)


def _applications(families: Families, leader: MasterStatus) -> None:
    states = Counter(application.state for application in leader.applications)
    for state in dict.fromkeys((*APPLICATIONS, *states)):
        families.gauge("sparkspace_applications", "Applications that have not ended.", states[state], state=state)
    for each in leader.applications:
        labels = {"application_id": each.id, "application_name": each.name}
        families.gauge("sparkspace_application_cores", "Cores that an application has.", each.cores, **labels)
        families.gauge("sparkspace_application_seconds", "How long it has been there.", each.duration_s, **labels)
