"""A turn: one dyno is taken out of the cluster, restarted, and waited for. Each step is a line of the log."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from .. import topology
from ..cluster import crowd, master, worker
from ..cluster.decommission import decommission
from ..cluster.ensemble import is_serving
from ..cluster.master import MasterStatus, Worker
from ..cluster.roles import Place
from ..errors import ApiError, MasterUnreachable, SparkspaceError
from ..heroku.client import Client
from ..heroku.listed import ListedDyno
from ..heroku.refusals import NotThere
from ..log import event
from . import registered
from .supervisor import BACK_WITHIN_S
from .verdict import number

LOOK_EVERY_S = 1.0
SETTLED_WITHIN_S = 30.0
# Its JVM has to start and to tell the driver; then it takes 5 s until others know of it (spark.storage.cachedPeersTtl).
EXECUTOR_STARTS_S = 10.0
NOT_ASKED = [""]  # an executor of an application that is older than all others: these have their turns last
PRESENT = ("ALIVE", "DECOMMISSIONED")  # states of a worker that runs


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
            MasterUnreachable: no master leads; nothing was done.
        """
        if self._is_replaced(dyno):
            event("cycling-left", dyno=dyno.name, reason="has-been-replaced")
            return True
        before = self._registered(dyno.name)
        has_work = bool(before and worker.applications(before[-1]))
        self._leave(dyno, before, patience_s)
        ids = {one.id for one in before}
        is_back = self._back(dyno.name, lambda: any(one.id not in ids for one in self._registered(dyno.name)))
        if is_back and has_work:
            self._settle(dyno.name)
        return is_back

    def master(self, dyno: ListedDyno) -> bool:
        """Restart a master, and wait until it says that it is ALIVE or STANDBY. Whether it does.

        Raises:
            ApiError: the API refused, or failed.
        """
        url = topology.master_ui_urls(self.place.dyno, self.place.settings)[number(dyno.name) - 1]
        old = _address(url)
        self._restart(dyno)
        return self._back(
            dyno.name, lambda: _address(url) not in ("", old) and master.ask(url).state in ("ALIVE", "STANDBY")
        )

    def zookeeper(self, dyno: ListedDyno) -> bool:
        """Restart a ZooKeeper, and wait until it serves again. Whether it does.

        Raises:
            ApiError: the API refused, or failed.
        """
        self._restart(dyno)
        return self._back(dyno.name, lambda: is_serving(self.zookeeper_host(dyno)))

    def zookeeper_host(self, dyno: ListedDyno) -> str:
        """Its DNS name, by the number of its dyno."""
        return f"{number(dyno.name)}.{dyno.type}.{self.place.dyno.app_domain}"

    def loads(self, names: Iterable[str], most: int | None = None) -> dict[str, list[str]]:
        """The application's id of each executor, by the names of the workers' dynos. One that is silent is busy.

        Where nothing runs, the master says so. Of the others the first ``most`` are asked, and the rest is just busy.
        """
        page = self.page()
        found = registered.workers(page, self.place.dyno.app_domain) if page else {}
        there = {name: found[name][-1] for name in names if name in found}
        busy = {name: one for name, one in there.items() if one.cores_used}
        asked = zip(busy, crowd.ask(worker.applications, list(busy.values())[:most]), strict=False)
        said = {name: ["unknown"] if each is None else each for name, each in asked}
        return {**dict.fromkeys(there.keys() - busy.keys(), []), **dict.fromkeys(busy, NOT_ASKED), **said}

    def _is_replaced(self, dyno: ListedDyno) -> bool:
        """Whether its name is another dyno's by now, or nobody's: it was listed before others had their turns."""
        return dyno.id not in {each.id for each in self.client.listed_dynos()}

    def _registered(self, name: str) -> list[Worker]:
        """Its Spark workers that are ALIVE.

        Raises:
            MasterUnreachable: no master leads, so nobody knows.
        """
        page = self.page()
        if not page:
            raise MasterUnreachable("No master leads now.", "See why: heroku logs --ps master")
        return registered.workers(page, self.place.dyno.app_domain).get(name, [])

    def _leave(self, dyno: ListedDyno, workers: list[Worker], patience_s: float) -> None:
        told = False
        try:
            told = bool(workers) and self._tell(dyno.name, workers)
            if told:
                self._drain(dyno.name, workers[-1], patience_s)
        except KeyboardInterrupt:
            told = True  # perhaps
            raise
        finally:
            with undisturbed():
                self._restart(dyno, told)

    def _tell(self, name: str, workers: list[Worker]) -> bool:
        """Whether the master has been told. If it can't be, the dyno still has the 30 s in which it drains itself."""
        page, reason = self.page(), "unknown-to-the-master"
        try:
            if page and decommission(self.place, urlsplit(page.url).hostname or "", [one.host for one in workers]):
                return True
        except SparkspaceError as error:
            reason = f"{error.message} {error.cure}"
        event("cycling-undrained", dyno=name, reason=reason)
        return False

    def _drain(self, name: str, one: Worker, patience_s: float) -> None:
        began = time.monotonic()
        event("cycling-drain", dyno=name, executors=len(worker.applications(one) or []), within=f"{patience_s:.0f}s")
        is_over = until(patience_s, Leaving(self, one).is_over)
        event("cycling-drained" if is_over else "cycling-cut-off", dyno=name, after_s=int(time.monotonic() - began))

    def _settle(self, name: str) -> None:
        """The next to leave needs somebody to hand its blocks to: wait for executors here, if any are to come."""
        page = self.page()
        if page and page.applications:
            until(SETTLED_WITHIN_S, lambda: any(worker.applications(one) for one in self._registered(name)))
            time.sleep(EXECUTOR_STARTS_S)

    def _restart(self, dyno: ListedDyno, is_told: bool = False) -> None:
        event("cycling-restart", dyno=dyno.name, reason="its-turn")
        try:
            self.client.restart_dyno(dyno.id)
        except NotThere:  # it has ended by itself, or a first try did it, whose answer was lost
            event("cycling-left", dyno=dyno.name, reason="has-gone")
        except ApiError as error:
            if is_told:
                app = self.place.dyno.app_name
                error.cure += (
                    f"\n{dyno.name} takes no work until then, or until: heroku ps:restart {dyno.name} -a {app}"
                )
            raise

    def _back(self, name: str, is_back: Callable[[], bool]) -> bool:
        began = time.monotonic()
        found = until(BACK_WITHIN_S, is_back)
        event("cycling-back" if found else "cycling-absent", dyno=name, after_s=int(time.monotonic() - began))
        return found


class Leaving:
    """A worker that has been told to drain."""

    def __init__(self, turns: Turns, one: Worker) -> None:
        self._turns = turns
        self._one = one
        self._has_begun = False

    def is_over(self) -> bool:
        """Whether it has no executors any more, or nothing is won by waiting for that."""
        state = self._state()
        # Another master leads since. To it the worker is one like others, but it starts no executor (Worker.scala).
        if self._has_begun and state == "ALIVE":
            return True
        self._has_begun = self._has_begun or state == "DECOMMISSIONED"
        found = worker.applications(self._one)
        return found == [] or (found is None and state not in (*PRESENT, "unknown"))

    def _state(self) -> str:
        page = self._turns.page()
        if not page:
            return "unknown"
        return next((one.state for one in page.workers if one.id == self._one.id), "GONE")


def until(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Look again and again until it is so, or the time is up. Whether it was. No master leading is no answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return True
        except MasterUnreachable:
            pass
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY_S)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that would end this process come afterwards. Ctrl-C is often pressed twice."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _address(url: str) -> str:
    """Where a master is now; empty: its name does not resolve."""
    try:
        return socket.gethostbyname(urlsplit(url).hostname or "")
    except OSError:
        return ""
