"""Planned cycling: beside the master that leads, every dyno of the cluster has its turn before Heroku's own time comes.

Whatever fails here, the cluster goes on without it, and Heroku restarts its dynos as ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone

from .. import topology
from ..cluster import master, worker
from ..cluster.master import MasterStatus
from ..errors import ApiError
from ..heroku.listed import ListedDyno
from ..log import event, notice
from . import registered, schedule
from .turn import Turns, is_serving

WORKER, MASTER, ZOOKEEPER = "worker", "master", "zookeeper"  # process types
LEAST_ZOOKEEPERS = 3  # fewer are no quorum while one is away
# A turn that was begun and not ended, as by the end of the master beside which it was taken, is ended after so long.
STRANDED_S = 60.0
ONCE_A_MINUTE_S = 60.0


class Planner:
    """Takes turns, one at a time, for as long as the master of this dyno leads."""

    def __init__(self, turns: Turns, lifetime: timedelta) -> None:
        self._turns = turns
        self._place = turns.place
        self._lifetime = lifetime
        self._said: dict[str, str] = {}
        self._stranded: dict[str, float] = {}
        self._turn: dict[str, Callable[[ListedDyno, list[ListedDyno]], str]] = {
            WORKER: self._worker, MASTER: self._master, ZOOKEEPER: self._zookeeper
        }  # fmt: skip

    @property
    def every_s(self) -> float:
        """Between two looks. A look is one call of the API, of 4,500 an hour."""
        return max(1.0, min(ONCE_A_MINUTE_S, self._lifetime.total_seconds() / 200))

    def run(self) -> None:
        """For ever. Never raises ApiError: it says it, once."""
        event("cycling-planned", lifetime=f"{self._lifetime / timedelta(hours=1):g}h")
        while True:
            try:
                self.look()
                self._said.pop("", None)
            except ApiError as error:
                if self._is_new("", error.message):
                    event("cycling-stopped", reason=type(error).__name__, status=error.status)
                    notice(*error.lines(), "The cluster goes on; no dyno has its turn until this is mended.")
            time.sleep(self.every_s)

    def look(self) -> None:
        """See whose turn it is, and have one of them take it.

        Raises:
            ApiError: the API refused, or failed.
        """
        page = self._turns.page()
        if not page or page.url != self._own_url:
            return
        dynos = [dyno for dyno in self._turns.client.listed_dynos() if dyno.type in self._turn]
        for dyno in self._stranded_ones(page, dynos):
            self._turns.worker(dyno, 0)
        now = datetime.now(timezone.utc)
        due = schedule.due((dyno for dyno in dynos if dyno.state == "up"), self._lifetime, now)
        for dyno in self._in_order(due, now):
            reason = role_away(dyno, dynos) or self._turn[dyno.type](dyno, dynos)
            if not reason:
                return
            if self._is_new(dyno.id, reason):
                event("cycling-left", dyno=dyno.name, reason=reason)

    @property
    def _own_url(self) -> str:
        number = self._place.dyno.name.rpartition(".")[2]
        return topology.master_ui_urls(self._place.dyno, self._place.settings)[int(number) - 1]

    def _in_order(self, due: list[ListedDyno], now: datetime) -> list[ListedDyno]:
        """Roles are not mixed: workers first, this master's own dyno last of all."""
        if not due:
            return []
        loads = {name: schedule.Load.of(found) for name, found in self._turns.loads().items()}
        own = self._place.dyno.name
        ordered = schedule.order(due, loads, self._lifetime, now)
        return sorted(ordered, key=lambda dyno: (dyno.name == own, list(self._turn).index(dyno.type)))

    # A turn each: what keeps it from being taken, or nothing when it was.

    def _worker(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        now = datetime.now(timezone.utc)
        workers = _of(dynos, WORKER)
        if lack := short_of(self._turns.page(), dyno, workers, self._place.dyno.app_domain):
            return lack
        due = schedule.due((each for each in dynos if each.state == "up"), self._lifetime, now)
        each = schedule.slot(len(dynos), self._lifetime)
        patience = schedule.patience(dyno, max(0, len(due) - 1), each, self._lifetime, now)
        self._turns.worker(dyno, patience.total_seconds())
        return ""

    def _master(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        """Without recovery a master's restart ends what runs: that is left to Heroku, unless nothing does."""
        page, settings = self._turns.page(), self._place.settings
        if not page or (page.applications and not settings.zookeepers):
            return "applications-run"
        states = master.ask_all(topology.master_ui_urls(self._place.dyno, settings))
        if settings.zookeepers and any(each.state not in ("ALIVE", "STANDBY") for each in states):
            return "another-master-is-away"
        self._turns.master(dyno)
        return ""

    def _zookeeper(self, dyno: ListedDyno, dynos: list[ListedDyno]) -> str:
        ensemble = _of(dynos, ZOOKEEPER)
        if len(ensemble) < LEAST_ZOOKEEPERS:
            return f"fewer-than-{LEAST_ZOOKEEPERS}-zookeepers"
        domain = self._place.dyno.app_domain
        if not all(is_serving(f"{each.name.rpartition('.')[2]}.{ZOOKEEPER}.{domain}") for each in ensemble):
            return "another-zookeeper-is-away"
        self._turns.zookeeper(dyno)
        return ""

    def _stranded_ones(self, page: MasterStatus, dynos: list[ListedDyno]) -> list[ListedDyno]:
        """Workers that were drained, by a turn that nobody ended, for a while."""
        domain, now = self._place.dyno.app_domain, time.monotonic()
        alive, leaving = (registered.workers(page, domain, [state]) for state in ("ALIVE", "DECOMMISSIONED"))
        drained = {name for name in leaving.keys() - alive.keys() if worker.applications(leaving[name][-1].host) == []}
        self._stranded = {name: self._stranded.get(name, now) for name in drained}
        for_long = {name for name, since in self._stranded.items() if now - since >= STRANDED_S}
        return [dyno for dyno in _of(dynos, WORKER) if dyno.name in for_long]

    def _is_new(self, about: str, reason: str) -> bool:
        """Whether this was not the last that was said about it."""
        last, self._said[about] = self._said.get(about), reason
        return last != reason


def role_away(dyno: ListedDyno, dynos: Collection[ListedDyno]) -> str:
    """Never two roles at once: what keeps one from its turn while a dyno of another is away; empty: nothing does."""
    away = sorted(each.name for each in dynos if each.type != dyno.type and each.state != "up")
    return f"{away[0]}-is-away" if away else ""


def short_of(page: MasterStatus | None, dyno: ListedDyno, workers: Collection[ListedDyno], app_domain: str) -> str:
    """What keeps a worker from leaving now; empty: nothing does."""
    if not page:
        return "no-master-leads"
    others = registered.workers(page, app_domain).keys() - {dyno.name}
    least = schedule.floor(len(workers))
    return f"{len(others)}-other-workers-are-there-of-{least}" if len(others) < least else ""


def _of(dynos: Collection[ListedDyno], process_type: str) -> list[ListedDyno]:
    return [dyno for dyno in dynos if dyno.type == process_type]
