"""Who is registered: the master's page, read as names of dynos."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .. import ports, topology
from ..cluster import master
from ..cluster.master import MasterStatus, Worker
from ..config import Dyno, Settings

Look = Callable[[], MasterStatus]


def look(dyno: Dyno) -> MasterStatus:
    """This dyno's own master, at its address: the name may lag behind by ten seconds."""
    return master.ask(f"http://{dyno.private_ip}:{ports.MASTER_UI}")


def own_url(dyno: Dyno) -> str:
    """The page of this dyno's own master, as the master URL has its name."""
    return f"http://{dyno.dns_name}:{ports.MASTER_UI}"


def leads(dyno: Dyno, settings: Settings) -> bool:
    """Whether this dyno's master, which is ALIVE, is the one that workers obey.

    With ZooKeeper only one is ALIVE. Without, all are, and the first that is named counts.
    """
    urls = topology.master_ui_urls(dyno, settings)
    own = own_url(dyno)
    return own in urls and master.leader(master.ask_all(urls[: urls.index(own)])) is None


def workers(page: MasterStatus, app_domain: str, states: Collection[str] = ("ALIVE",)) -> dict[str, list[Worker]]:
    """Dynos of the app, and the Spark workers that have registered from each: ``worker.2`` → its workers.

    Those of the dyno's predecessors of the same name may be listed, too, but for a minute and not as ALIVE.
    """
    found: dict[str, list[Worker]] = {}
    for worker in page.workers:
        name, domain = worker.announced
        if domain == app_domain and worker.state in states:
            found.setdefault(name, []).append(worker)
    return found


def names(page: MasterStatus | None, app_domain: str) -> Collection[str] | None:
    """The dynos from which a worker has registered that takes work; None: no master leads, so nobody knows."""
    return workers(page, app_domain).keys() if page else None
