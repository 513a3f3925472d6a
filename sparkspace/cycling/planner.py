"""Planned cycling: beside the master that leads, every dyno of the cluster has its turn before Heroku's own time comes.

Whatever fails here, the cluster goes on without it, and Heroku restarts its dynos as ever.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property

from .. import topology
from ..cluster import crowd, master, roles, worker
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
# All of a thousand may be due, and each turn asks again: so many of the oldest are choice enough.
MOST_ASKED = 50


class Planner:
    """Takes turns, one at a time, for as long as the master of this dyno leads."""

    def __init__(self, turns: Turns, lifetime: timedelta, turn: threading.Lock | None = None) -> None:
        self._turns = turns
        self._one_at_a_time = turn or threading.Lock()  # also held by whoever scales down
        self._place = turns.place
        self._lifetime = lifetime
        self._said = ""
        self._left: set[tuple[str, str]] = set()
        self._drained: dict[str, float] = {}
        self._turn: dict[str, Callable[[ListedDyno, Sight], str]] = {
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
                self._said = ""
            except SparkspaceError as error:
                if self._is_new(error.message):
                    event("cycling-stopped", reason=type(error).__name__, status=getattr(error, "status", 0))
                    notice(*error.lines(), "The cluster goes on; no dyno has its turn until this is mended.")
            except Exception as error:  # a fault of ours: the next look may do better
                if self._is_new(repr(error)):
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
        if ordered := self._in_order(dynos):
            self._take(ordered, self._see(dynos))

    def _take(self, ordered: list[ListedDyno], sight: Sight) -> None:
        """Have the first take its turn that can. A thousand workers that are kept by one thing are one line."""
        before, self._left = self._left, set()
        for dyno in ordered:
            reason = self._away(dyno, sight) or self._turn[dyno.type](dyno, sight)
            if not reason:
                return
            about = (dyno.type if dyno.type == WORKER else dyno.name, reason)
            if about not in before | self._left:
                event("cycling-left", dyno=dyno.name, reason=reason)
            self._left.add(about)

    def _see(self, dynos: list[ListedDyno]) -> Sight:
        """The master's page is read again: those who were asked what runs there may have been silent for seconds."""
        alive = registered.names(self._turns.page(), self._place.dyno.app_domain)
        return Sight(dynos, alive, *self._clock(dynos))

    def _clock(self, dynos: list[ListedDyno]) -> tuple[datetime, timedelta]:
        """Now, and the time that is set aside for each turn."""
        return datetime.now(timezone.utc), schedule.slot(len(dynos), self._lifetime)

    def _in_order(self, dynos: list[ListedDyno]) -> list[ListedDyno]:
        """Those that are due. Roles are not mixed: workers first, this master's own dyno last of all."""
        now, each = self._clock(dynos)
        due = schedule.due((dyno for dyno in dynos if dyno.state == "up"), each, self._lifetime, now)
        if not due:
            return []
        asked = self._turns.loads([dyno.name for dyno in due if dyno.type == WORKER], MOST_ASKED)
        loads = {name: schedule.Load.of(found) for name, found in asked.items()}
        own = self._place.dyno.name
        ordered = schedule.order(due, loads, each, self._lifetime, now)
        return sorted(ordered, key=lambda dyno: (dyno.name == own, list(self._turn).index(dyno.type)))

    def _away(self, dyno: ListedDyno, sight: Sight) -> str:
        """Never two roles at once: what keeps one from its turn while a dyno of another is away; empty: nothing does.

        One in a hurry goes all the same: a dyno that never comes up must not leave all others to Heroku.
        """
        away = sight.away[dyno.type]
        return f"{away}-is-away" if away and not sight.is_in_hurry(dyno, self._lifetime) else ""

    # A turn each: what keeps it from being taken, or nothing when it was.

    def _worker(self, dyno: ListedDyno, sight: Sight) -> str:
        if lack := short_of(sight.alive, dyno, len(sight.workers)):
            return lack
        others = [other for other in sight.workers if other.state == "up" and other.id != dyno.id]
        patience = schedule.patience(dyno, others, sight.each, self._lifetime, sight.now)
        self._turns.worker(dyno, patience.total_seconds())
        return ""

    def _master(self, dyno: ListedDyno, sight: Sight) -> str:
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

    def _zookeeper(self, dyno: ListedDyno, sight: Sight) -> str:
        members = self._place.settings.ensemble
        if members and number(dyno.name) > members:
            return "beyond-SPARKSPACE_ZOOKEEPERS"
        ensemble = [each for each in _of(sight.dynos, ZOOKEEPER) if not members or number(each.name) <= members]
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
        found = crowd.ask(worker.applications, leaving.values())
        drained = {name for name, those in zip(leaving, found, strict=True) if those == []}
        self._drained = {name: self._drained.get(name, now) for name in drained}
        for_long = {name for name, since in self._drained.items() if now - since >= STRANDED_S}
        return [dyno for dyno in _of(dynos, WORKER) if dyno.name in for_long]

    def _is_new(self, said: str) -> bool:
        """Whether this was not the last that was said."""
        last, self._said = self._said, said
        return last != said


@dataclass(frozen=True)
class Sight:
    """What a look sees, once for all who are due: ``alive`` are the workers that take work, as ``registered.names``."""

    dynos: list[ListedDyno]
    alive: Collection[str] | None
    now: datetime
    each: timedelta  # the time that is set aside for a turn

    @cached_property
    def workers(self) -> list[ListedDyno]:
        """Their dynos."""
        return _of(self.dynos, WORKER)

    @cached_property
    def away(self) -> Mapping[str, str]:
        """For each process type a dyno of another one that is away; empty: none is."""
        alive = self.alive or ()
        away = [one for one in self.dynos if one.state != "up" or (one.type == WORKER and one.name not in alive)]
        kinds = {dyno.type for dyno in self.dynos}
        return {kind: next((one.name for one in away if one.type != kind), "") for kind in kinds}

    def is_in_hurry(self, dyno: ListedDyno, lifetime: timedelta) -> bool:
        """Whether its lifetime ends within the slot."""
        return schedule.is_in_hurry(dyno, self.each, lifetime, self.now)


def short_of(alive: Collection[str] | None, dyno: ListedDyno, workers: int) -> str:
    """What keeps one of so many workers from leaving now; empty: nothing does. ``alive``: see ``registered.names``."""
    if alive is None:
        return "no-master-leads"
    others, least = len(alive) - (dyno.name in alive), schedule.floor(workers)
    return f"{others}-other-workers-are-there-of-{least}" if others < least else ""


def _of(dynos: Collection[ListedDyno], process_type: str) -> list[ListedDyno]:
    return [dyno for dyno in dynos if dyno.type == process_type]
