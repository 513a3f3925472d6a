"""Planned cycling: beside the master that leads, every dyno of the cluster has its turn before Heroku's own time comes.

Whatever fails here, the cluster goes on without it, and Heroku restarts its dynos as ever.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone

from .. import topology
from ..cluster import master, roles, worker
from ..cluster.ensemble import is_serving
from ..cluster.master import MasterStatus, Worker
from ..errors import SparkspaceError
from ..heroku.listed import ListedDyno
from ..log import event, notice
from . import registered, schedule
from .supervisor import WORKER
from .turn import Turns
from .verdict import number

MASTER, ZOOKEEPER = "master", "zookeeper"  # process types
LEAST_ZOOKEEPERS = 3  # fewer are no quorum while one is away
# A turn that was begun and not ended, as by the end of the master beside which it was taken, is ended after so long.
STRANDED_S = 60.0
ONCE_A_MINUTE_S = 60.0


class Planner:
    """Takes turns, one at a time, for as long as the master of this dyno leads."""

    def __init__(self, turns: Turns, lifetime: timedelta, turn: threading.Lock | None = None) -> None:
        self._turns = turns
        self._one_at_a_time = turn or threading.Lock()  # also held by whoever scales down
        self._place = turns.place
        self._lifetime = lifetime
        self._said: dict[str, str] = {}
        self._drained: dict[str, float] = {}
        self._turn: dict[str, Callable[[ListedDyno, list[ListedDyno]], str]] = {
            WORKER: self._worker, MASTER: self._master, ZOOKEEPER: self._zookeeper
        }  # fmt: skip

    @property
    def every_s(self) -> float:
        """Between two looks. A look is one call of the API, of 4,500 an hour."""
        return max(1.0, min(ONCE_A_MINUTE_S, self._lifetime.total_seconds() / 200))

    def run(self) -> None:
        """For ever. What goes wrong is said, once."""
        event("cycling-planned", lifetime=f"{self._lifetime / timedelta(hours=1):g}h")
        while True:
            try:
                with self._one_at_a_time:
                    self.look()
                self._said.pop("", None)
            except SparkspaceError as error:
                if self._is_new("", error.message):
                    event("cycling-stopped", reason=type(error).__name__, status=getattr(error, "status", 0))
                    notice(*error.lines(), "The cluster goes on; no dyno has its turn until this is mended.")
            except Exception as error:  # a fault of ours: the next look may do better
                if self._is_new("", repr(error)):
                    traceback.print_exc()
            time.sleep(self.every_s)

    def look(self) -> None:
        """See whose turn it is, and have one of them take it.

        Raises:
            ApiError: the API refused, or failed.
            MasterUnreachable: no master leads any more.
        """
        page = self._turns.page()
        if not page or page.url != registered.own_url(self._place.dyno):
            return
        dynos = [dyno for dyno in self._turns.client.listed_dynos() if dyno.type in self._turn]
        if leaving := self._leaving(page):  # somebody's turn, or what is left of one
            for dyno in self._stranded(leaving, dynos):
                self._turns.worker(dyno, 0)
            return
        alive = registered.workers(page, self._place.dyno.app_domain).keys()
        for dyno in self._in_order(dynos):
            reason = self._away(dyno, dynos, alive) or self._turn[dyno.type](dyno, dynos)
            if not reason:
                return
            if self._is_new(dyno.id, reason):
                event("cycling-left", dyno=dyno.name, reason=reason)

    def _clock(self, dynos: list[ListedDyno]) -> tuple[datetime, timedelta]:
        """Now, and the time that is set aside for each turn."""
        return datetime.now(timezone.utc), schedule.slot(len(dynos), self._lifetime)

    def _in_order(self, dynos: list[ListedDyno]) -> list[ListedDyno]:
        """Those that are due. Roles are not mixed: workers first, this master's own dyno last of all."""
        now, each = self._clock(dynos)
        due = schedule.due((dyno for dyno in dynos if dyno.state == "up"), each, self._lifetime, now)
        if not due:
            return []
        loads = {name: schedule.Load.of(found) for name, found in self._turns.loads().items()}
        own = self._place.dyno.name
        ordered = schedule.order(due, loads, each, self._lifetime, now)
        return sorted(ordered, key=lambda dyno: (dyno.name == own, list(self._turn).index(dyno.type)))

    def _away(self, dyno: ListedDyno, dynos: list[ListedDyno], alive: Collection[str]) -> str:
        """Never two roles at once: what keeps one from its turn while a dyno of another is away; empty: nothing does.

        One in a hurry goes all the same: a dyno that never comes up must not leave all others to Heroku.
        """
        now, each = self._clock(dynos)
        others = [other for other in dynos if other.type != dyno.type]
        away = [
            other.name for other in others if other.state != "up" or (other.type == WORKER and other.name not in alive)
        ]
        return f"{away[0]}-is-away" if away and not schedule.is_in_hurry(dyno, each, self._lifetime, now) else ""

    # A turn each: what keeps it from being taken, or nothing when it was.

    def _worker(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        workers = _of(dynos, WORKER)
        if lack := short_of(self._turns.page(), dyno, workers, self._place.dyno.app_domain):
            return lack
        others = [other for other in workers if other.state == "up" and other.id != dyno.id]
        now, each = self._clock(dynos)
        self._turns.worker(dyno, schedule.patience(dyno, others, each, self._lifetime, now).total_seconds())
        return ""

    def _master(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        """Without recovery a master's restart ends what runs: that is left to Heroku, unless nothing does."""
        settings = self._place.settings
        if number(dyno.name) > settings.masters:
            return "beyond-SPARK_MASTERS"
        states = master.ask_all(topology.master_ui_urls(self._place.dyno, settings))
        if not self._recovers and any(each.applications for each in states):
            return "applications-run"
        if settings.has_zookeeper and any(each.state not in ("ALIVE", "STANDBY") for each in states):
            return "another-master-is-away"
        self._turns.master(dyno)
        return ""

    @property
    def _recovers(self) -> bool:
        """Whether applications outlive a restart of the masters."""
        return bool(self._place.settings.has_zookeeper or roles.recovery_dir(self._place))

    def _zookeeper(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        members = self._place.settings.ensemble
        if members and number(dyno.name) > members:
            return "beyond-SPARKSPACE_ZOOKEEPERS"
        ensemble = [each for each in _of(dynos, ZOOKEEPER) if not members or number(each.name) <= members]
        if len(ensemble) < LEAST_ZOOKEEPERS:
            return f"fewer-than-{LEAST_ZOOKEEPERS}-zookeepers"
        if not all(is_serving(self._turns.zookeeper_host(each)) for each in ensemble):
            return "another-zookeeper-is-away"
        self._turns.zookeeper(dyno)
        return ""

    def _leaving(self, page: MasterStatus) -> dict[str, Worker]:
        """Workers that are having their turns, by this hand or another: told to leave, and not back."""
        alive, leaving = (
            registered.workers(page, self._place.dyno.app_domain, [state]) for state in ("ALIVE", "DECOMMISSIONED")
        )
        return {name: workers[-1] for name, workers in leaving.items() if name not in alive}

    def _stranded(self, leaving: dict[str, Worker], dynos: list[ListedDyno]) -> list[ListedDyno]:
        """Those of them that have had no executors for a while: the turn has lost its hand."""
        now = time.monotonic()
        drained = {name for name, one in leaving.items() if worker.applications(one) == []}
        self._drained = {name: self._drained.get(name, now) for name in drained}
        for_long = {name for name, since in self._drained.items() if now - since >= STRANDED_S}
        return [dyno for dyno in _of(dynos, WORKER) if dyno.name in for_long]

    def _is_new(self, about: str, reason: str) -> bool:
        """Whether this was not the last that was said about it."""
        last, self._said[about] = self._said.get(about), reason
        return last != reason


def short_of(page: MasterStatus | None, dyno: ListedDyno, workers: Collection[ListedDyno], app_domain: str) -> str:
    """What keeps a worker from leaving now; empty: nothing does."""
    if not page:
        return "no-master-leads"
    others = registered.workers(page, app_domain).keys() - {dyno.name}
    least = schedule.floor(len(workers))
    return f"{len(others)}-other-workers-are-there-of-{least}" if len(others) < least else ""


def _of(dynos: Collection[ListedDyno], process_type: str) -> list[ListedDyno]:
    return [dyno for dyno in dynos if dyno.type == process_type]
