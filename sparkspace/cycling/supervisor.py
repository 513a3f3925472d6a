"""Graceful cycling: what happens beside a master that has just started, until every worker that should be there is.

Each step is a line of the log. Whatever fails here, the cluster goes on without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ..cluster.master import MasterStatus
from ..config import Cycling, Dyno, Settings
from ..errors import ApiError
from ..heroku.client import Client
from ..heroku.listed import ListedDyno
from ..heroku.refusals import NotThere
from ..log import event, notice
from . import registered
from .verdict import Rule, Verdict, verdicts

WORKER = "worker"  # the process type
ALIVE_WITHIN_S = 300.0  # a new leader needs its predecessor's ZooKeeper session to end, and a recovery of 60 s
BACK_WITHIN_S = 180.0  # a new dyno has a slug to fetch, and a JVM to start
LOOK_EVERY_S = 2.0


class Supervisor:
    """Beside the master of one dyno. ``since`` is when the launcher of the master began."""

    def __init__(self, dyno: Dyno, settings: Settings, cycling: Cycling, client: Client, since: datetime) -> None:
        self.dyno = dyno
        self.settings = settings
        self.cycling = cycling
        self.client = client
        self.since = since

    def run(self) -> None:
        """Everything, from the master's start to the last worker's return. Never raises ApiError: it says it, once."""
        try:
            if self.leads():
                self.cycle()
        except ApiError as error:
            event("cycling-stopped", reason=type(error).__name__, status=error.status)
            notice(*error.lines(), "The cluster goes on; its workers are not restarted.")

    def leads(self) -> bool:
        """Wait until the master is ALIVE; whether the workers are its own to mind."""
        page = self._until(ALIVE_WITHIN_S, lambda page: page.state == "ALIVE")
        if page.state != "ALIVE":
            event("cycling-over", reason=f"this-master-is-{page.state}", after_s=int(ALIVE_WITHIN_S))
            return False
        if not registered.leads(self.dyno, self.settings):
            event("cycling-over", reason="another-master-leads")
            return False
        event("cycling-begins", workers="all" if self.cycling.everybody else "missing", wait_s=self.cycling.wait_s)
        return True

    def cycle(self) -> None:
        """Wait for the workers, and restart those that need it, one by one.

        Raises:
            ApiError: the API refused, or failed.
        """
        present = self._workers(self._dynos())
        if not self.cycling.everybody:
            self._until(self.cycling.wait_s, lambda page: {dyno.name for dyno in present} <= set(self._names(page)))
        dynos, page = self._dynos(), registered.look(self.dyno)
        rule = Rule(
            self.cycling.everybody, timedelta(minutes=self.cycling.least_age_minutes), self._master_since(dynos)
        )
        found = verdicts(self._workers(dynos), self._names(page), rule, datetime.now(timezone.utc))
        for each in found:
            if not each.act:
                event("cycling-left", dyno=each.dyno.name, reason=each.reason)
        restarted = sum(map(self.restart, [each for each in found if each.act]))
        event("cycling-over", reason="done", workers=len(self._workers(dynos)), restarted=restarted)

    def restart(self, verdict: Verdict) -> bool:
        """Restart one, and wait for it. False: it was not needed, or the master is no longer the one to say so.

        Raises:
            ApiError: the API refused, or failed.
        """
        name, page = verdict.dyno.name, registered.look(self.dyno)
        before = self._names(page).get(name, set())
        if reason := self._no_longer(page) or ("has-registered" if before and not self.cycling.everybody else ""):
            event("cycling-left", dyno=name, reason=reason)
            return False
        event("cycling-restart", dyno=name, reason=verdict.reason)
        try:
            self.client.restart_dyno(verdict.dyno.id)
        except NotThere:  # or a first try did it, whose answer was lost
            event("cycling-left", dyno=name, reason="has-gone")
            return False
        began = time.monotonic()
        page = self._until(BACK_WITHIN_S, lambda page: bool(self._names(page).get(name, set()) - before))
        is_back = bool(self._names(page).get(name, set()) - before)
        event("cycling-back" if is_back else "cycling-absent", dyno=name, after_s=int(time.monotonic() - began))
        return True

    def _no_longer(self, page: MasterStatus) -> str:
        """Why the workers are not, or no longer, this master's to mind; empty: they are."""
        if page.state != "ALIVE":
            return f"master-is-{page.state}"
        return "" if registered.leads(self.dyno, self.settings) else "another-master-leads"

    def _until(self, seconds: float, enough: Callable[[MasterStatus], bool]) -> MasterStatus:
        """Look at the master until it is ``enough`` or the time is up. Returns what was seen last."""
        end = time.monotonic() + seconds
        while not enough(page := registered.look(self.dyno)) and time.monotonic() < end:
            time.sleep(LOOK_EVERY_S)
        return page

    def _dynos(self) -> list[ListedDyno]:
        return self.client.listed_dynos()

    def _workers(self, dynos: list[ListedDyno]) -> list[ListedDyno]:
        return [dyno for dyno in dynos if dyno.type == WORKER]

    def _names(self, page: MasterStatus) -> dict[str, set[str]]:
        """Ids of Spark's workers, by the names of the dynos."""
        found = registered.workers(page, self.dyno.app_domain)
        return {name: {worker.id for worker in workers} for name, workers in found.items()}

    def _master_since(self, dynos: list[ListedDyno]) -> datetime:
        """When this dyno was made, if the API says so, or when its launcher began: the earlier of both."""
        return min([self.since, *(dyno.created_at for dyno in dynos if dyno.name == self.dyno.name)])
