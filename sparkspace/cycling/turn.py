"""A turn: one dyno is taken out of the cluster, restarted, and waited for. Each step is a line of the log."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from .. import topology
from ..cluster import master, worker
from ..cluster.decommission import decommission
from ..cluster.master import MasterStatus, Worker
from ..cluster.roles import Place
from ..errors import SparkspaceError
from ..heroku.client import Client
from ..heroku.listed import ListedDyno
from ..heroku.refusals import NotThere
from ..log import event
from . import registered
from .verdict import number

BACK_WITHIN_S = 180.0  # a new dyno has a slug to fetch, and a JVM to start
LOOK_EVERY_S = 1.0
ZOOKEEPER_PORT = 2181


class Turns:
    """Takes turns, from any dyno of the app that has the cluster's secret."""

    def __init__(self, place: Place, client: Client) -> None:
        self.place = place
        self.client = client

    def page(self) -> MasterStatus | None:
        """The page of the master that leads; None: none does."""
        return master.leader(master.ask_all(topology.master_ui_urls(self.place.dyno, self.place.settings)))

    def worker(self, dyno: ListedDyno, patience_s: float) -> bool:
        """Drain a worker without Heroku's limit of 30 s, restart it, and wait for it. Whether it is back.

        Once it has been told to drain it takes no work any more, so it is restarted whatever happens, Ctrl-C included.

        Raises:
            ApiError: the API refused, or failed.
        """
        before = self._registered(dyno.name)
        try:
            if before and self._tell(dyno.name, before[0].host):
                self._drain(dyno.name, before[0].host, patience_s)
        finally:
            restarted = self._restart(dyno)
        ids = {one.id for one in before}
        return restarted and self._back(dyno.name, lambda: bool({one.id for one in self._registered(dyno.name)} - ids))

    def master(self, dyno: ListedDyno) -> bool:
        """Restart a master, and wait until it says that it is ALIVE or STANDBY. Whether it does.

        Raises:
            ApiError: the API refused, or failed.
        """
        url = topology.master_ui_urls(self.place.dyno, self.place.settings)[number(dyno.name) - 1]
        old = _address(url)
        return self._restart(dyno) and self._back(
            dyno.name, lambda: _address(url) not in ("", old) and master.ask(url).state in ("ALIVE", "STANDBY")
        )

    def zookeeper(self, dyno: ListedDyno) -> bool:
        """Restart a ZooKeeper, and wait until it serves again. Whether it does.

        Raises:
            ApiError: the API refused, or failed.
        """
        host = f"{number(dyno.name)}.zookeeper.{self.place.dyno.app_domain}"
        return self._restart(dyno) and self._back(dyno.name, lambda: is_serving(host))

    def loads(self) -> dict[str, list[str]]:
        """The application's id of each executor, by the names of the workers' dynos."""
        page = self.page()
        found = registered.workers(page, self.place.dyno.app_domain) if page else {}
        return {name: worker.applications(each[0].host) or [] for name, each in found.items()}

    def _registered(self, name: str) -> list[Worker]:
        page = self.page()
        return registered.workers(page, self.place.dyno.app_domain).get(name, []) if page else []

    def _tell(self, name: str, host: str) -> bool:
        """Whether the master has been told. If it can't be, the dyno still has the 30 s in which it drains itself."""
        page, reason = self.page(), "unknown-to-the-master"
        try:
            if page and decommission(self.place, urlsplit(page.url).hostname or "", [host]):
                return True
        except SparkspaceError as error:
            reason = f"{error.message} {error.cure}"
        event("cycling-undrained", dyno=name, reason=reason)
        return False

    def _drain(self, name: str, host: str, patience_s: float) -> None:
        began = time.monotonic()
        event("cycling-drain", dyno=name, executors=len(worker.applications(host) or []), within=f"{patience_s:.0f}s")
        is_empty = until(patience_s, lambda: not worker.applications(host))
        event("cycling-drained" if is_empty else "cycling-cut-off", dyno=name, after_s=int(time.monotonic() - began))

    def _restart(self, dyno: ListedDyno) -> bool:
        event("cycling-restart", dyno=dyno.name, reason="its-turn")
        try:
            self.client.restart_dyno(dyno.id)
        except NotThere:  # or a first try did it, whose answer was lost
            event("cycling-left", dyno=dyno.name, reason="has-gone")
            return False
        return True

    def _back(self, name: str, is_back: Callable[[], bool]) -> bool:
        began = time.monotonic()
        found = until(BACK_WITHIN_S, is_back)
        event("cycling-back" if found else "cycling-absent", dyno=name, after_s=int(time.monotonic() - began))
        return found


def until(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Look again and again until it is so, or the time is up. Whether it was."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def is_serving(host: str, port: int = ZOOKEEPER_PORT) -> bool:
    """Whether a ZooKeeper is part of a quorum, by its own word (``srvr``, which is allowed unless turned off)."""
    try:
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(b"srvr")
            connection.settimeout(5)
            return b"Mode: " in b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return False


def _address(url: str) -> str:
    """Where a master is now; empty: its name does not resolve."""
    try:
        return socket.gethostbyname(urlsplit(url).hostname or "")
    except OSError:
        return ""
