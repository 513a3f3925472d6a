"""Beside the master that leads, the number of worker dynos follows the work. Each change is a line of the log.

Whatever fails here, the cluster goes on with the dynos that it has.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Collection, Iterable
from typing import Any

from .. import sizing
from ..cluster import crowd
from ..cluster.decommission import decommission
from ..cluster.master import MasterStatus, Worker
from ..config import Scaling
from ..errors import ApiError, MasterUnreachable, SparkspaceError
from ..heroku import listed
from ..heroku.sizes import SIZES
from ..log import event, notice, tell
from ..sizing import Capacity
from . import registered
from .leave import Files, Leave
from .scaling import Decision, Node, Scaler, Scene
from .supervisor import WORKER
from .turn import Turns
from .verdict import number
from .wishes import Wishes

DAY_S = 86_400
LOOK_EVERY_S = 15.0  # one call of the API each, of 4,500 an hour
LEAVING_EVERY_S = 5.0
NO_WORK = ("DECOMMISSIONED", "DEAD", "UNKNOWN")  # WorkerState
REFUSED = 422  # more dynos than the account may have of a type, as one example


class Autoscaler:
    """Scales workers for as long as the master of this dyno leads. ``turn``: held by whoever takes a worker away."""

    def __init__(self, turns: Turns, rule: Scaling, turn: threading.Lock) -> None:
        self._turns = turns
        self._place = turns.place
        self._rule = rule
        self._scaler = Scaler(rule)
        self._wishes = Wishes(turns.place.settings.default_cores)
        self._turn = turn
        self._each: Capacity | None = None
        self._spent: Spent | None = None
        self._said = self._failed = ""
        self._leave: Leave | None = None  # as long as there is one, it is our turn
        self._most = rule.most  # or what the API has not refused

    def run(self) -> None:
        """For ever. What goes wrong is said, once."""
        while True:
            try:
                self.look()
                self._failed = ""
            except SparkspaceError as error:
                if self._fails_anew(error.message):
                    event("scaling-stopped", reason=type(error).__name__, status=getattr(error, "status", 0))
                    notice(*error.lines(), "The cluster goes on with the workers that it has.")
            except Exception as error:  # a fault of ours: the next look may do better
                if self._fails_anew(repr(error)):
                    traceback.print_exc()
            time.sleep(LEAVING_EVERY_S if self._leave else LOOK_EVERY_S)

    def look(self) -> Decision | None:
        """See what is needed, and have it. None: another master leads, or none does.

        Raises:
            ApiError: the API refused, or failed; nothing was scaled down.
            CheckFailed: the master could not be told whom to give no more work.
        """
        page = self._turns.page()
        if not page:
            return None
        if not self._leads(page):
            self._revive("another-master-leads")
            return None
        scene = self.scene(page)
        parted = self._part(page, scene)
        decision = parted or self._decided(scene)
        self._tell(scene, decision)
        if self._is_new(decision.reason) or decision.is_change:
            event("scaling", workers=scene.quantity, to=decision.quantity, reason=decision.reason)
        if decision.quantity > scene.quantity:
            self._add(scene.quantity, decision.quantity)
        elif decision.is_change and not parted:
            self._begin(page, scene.quantity, decision.quantity)
        return decision

    def _leads(self, page: MasterStatus) -> bool:
        return page.url == registered.own_url(self._place.dyno)

    def _decided(self, scene: Scene) -> Decision:
        """What there should be. Whoever leaves has to be alone with that."""
        decision = self._scaler.decide(scene)
        if decision.quantity > self._most >= scene.quantity:
            why = decision.reason if self._most > scene.quantity else f"more-than-{self._most}-were-refused"
            return Decision(self._most, why, self._most != scene.quantity)
        if decision.quantity < scene.quantity and self._turn.locked():
            return Decision(scene.quantity, "another-worker-has-its-turn", False)
        return decision

    def _tell(self, scene: Scene, decision: Decision) -> None:
        """What was seen and decided, each time."""
        limit = self._rule.dyno_hours_per_day
        tell(
            "scaling-looked",
            dynos=scene.quantity,
            dynos_wanted=decision.quantity,
            reason=decision.reason,
            executors_waited_for=sum(wish.executors for wish in scene.wishes),
            dyno_seconds_spent=scene.spent_hours * 3600,
            dynos_least=self._rule.least,
            dynos_most=self._rule.most,
            dyno_seconds_a_day=limit and limit * 3600,
        )

    def scene(self, page: MasterStatus) -> Scene:
        """What is to be seen now.

        Raises:
            ApiError: the API refused, or failed.
        """
        line = self._line()
        quantity, now = int(line["quantity"]), time.monotonic()
        workers, away = self._workers(page), self._workers(page, NO_WORK)
        offers = [Capacity(one.memory_mb, one.cores) for one in workers.values()]
        smallest = min(offers, key=lambda offer: offer.memory_mb, default=None)
        self._each = smallest or self._each or offered(listed.size(line))
        nodes = self._nodes({place: one for place, one in sorted(workers.items()) if place <= quantity}, page)
        states = {place: one.state.lower() for place, one in away.items() if place not in workers}
        wishes = self._wishes.of(page, self._each)
        self._spent = self._spent or Spent(self._workers_since(), time.time())
        return Scene(now, quantity, nodes, wishes, self._each, self._spent.hours(quantity, time.time()), states)

    def _workers_since(self) -> list[float]:
        return [dyno.since.timestamp() for dyno in self._turns.client.listed_dynos() if dyno.type == WORKER]

    def _line(self) -> dict[str, Any]:
        lines = {line["type"]: line for line in self._turns.client.formation()}
        return lines.get(WORKER, {"quantity": 0})

    def _workers(self, page: MasterStatus, states: Collection[str] = ("ALIVE",)) -> dict[int, Worker]:
        """The newest of each dyno of the type that is scaled, by its number. Other types may run workers, too."""
        found = registered.workers(page, self._place.dyno.app_domain, states)
        return {number(name): each[-1] for name, each in found.items() if name.rpartition(".")[0] == WORKER}

    def _nodes(self, workers: dict[int, Worker], page: MasterStatus) -> list[Node]:
        idle = {place: one for place, one in workers.items() if not one.cores_used}
        files = Files(page, self._place.settings.serves_shuffles)
        kept = dict(zip(idle, crowd.ask(files.kept, idle.values()), strict=True))
        return [_node(place, one, kept.get(place, "")) for place, one in workers.items()]

    def _add(self, before: int, quantity: int) -> None:
        """Have more.

        Raises:
            ApiError: the API failed. One that refuses is asked for one less, the next time.
        """
        if self._leave:
            self._revive("they-are-needed-again")
        try:
            self._scale(before, quantity)
        except ApiError as error:
            if error.status != REFUSED:
                raise
            self._most = quantity - 1
            event("scaling-refused", workers=before, to=quantity, reason=error.message)

    def _begin(self, page: MasterStatus, before: int, quantity: int) -> None:
        """Have the last ones take no more work, if it is our turn. Those that have never come go at once.

        Raises:
            CheckFailed: the master could not be told.
            ApiError: the API refused, or failed.
        """
        if not self._turn.acquire(blocking=False):
            return
        leaving = {place: one for place, one in self._workers(page).items() if quantity < place <= before}
        self._leave = Leave(before, quantity, leaving)
        host = page.url.removeprefix("http://").partition(":")[0]
        try:
            told = decommission(self._place, host, [one.host for one in leaving.values()]) if leaving else 0
        except BaseException:
            self._forget()
            raise
        if told != len(leaving):
            self._revive(f"the-master-knows-{told}-of-{len(leaving)}")
        elif not leaving:
            self._go(quantity, before)

    def _part(self, page: MasterStatus, scene: Scene) -> Decision | None:
        """What becomes of those that leave; None: nobody does, or more are needed than stay.

        Raises:
            ApiError: the API refused, or failed; it is tried again.
        """
        leave = self._leave
        if not leave:
            return None
        wanted = self._decided(scene)
        if wanted.quantity > scene.quantity:
            return wanted
        if void := leave.is_void(scene.quantity, self._workers(page)):
            self._revive(void)
            return Decision(scene.quantity, void, False)
        held = leave.held(page, self._place.settings.serves_shuffles)
        least = max(held, default=leave.to)
        if least < scene.quantity:
            self._go(least, scene.quantity)
            return Decision(least, "nothing-is-left-there", True)
        if leave.is_late:
            event("scaling-waits", reason=f"worker.{least}-{held[least]}")
            self._revive("it-takes-too-long")
        return Decision(scene.quantity, f"worker.{least}-{held[least]}", False)

    def _go(self, quantity: int, before: int) -> None:
        """The formation has fewer; who is still held is waited for."""
        if not self._scale(before, quantity):
            self._revive("the-formation-has-changed")
            return
        assert self._leave
        left = {place: one for place, one in self._leave.workers.items() if place <= quantity}
        if quantity > self._leave.to:
            self._leave = Leave(quantity, self._leave.to, left, self._leave.since)
        else:
            self._forget()

    def _revive(self, reason: str) -> None:
        """Who was told to go stays: a dyno takes work again when it has been restarted.

        Raises:
            ApiError: the API refused, or failed.
        """
        leave = self._leave
        self._forget()
        for dyno in leave.strand(self._turns.client.listed_dynos()) if leave else []:
            event("scaling-restart", dyno=dyno.name, reason=reason)
            self._turns.client.restart_dyno(dyno.id)

    def _forget(self) -> None:
        if self._leave:
            self._leave = None
            self._turn.release()

    def _scale(self, before: int, quantity: int) -> bool:
        """Have so many, if there are still so many as there were: others may scale, too. Whether there were.

        Raises:
            ApiError: the API refused, or failed.
            MasterUnreachable: nobody leads, so it is not ours to decide.
        """
        page = self._turns.page()
        if not page:
            raise MasterUnreachable("No master leads now.", "See why: heroku logs --ps master")
        if not self._leads(page) or int(self._line()["quantity"]) != before:
            event("scaling-left", workers=before, to=quantity, reason="the-formation-has-changed")
            return False
        self._turns.client.scale([{"type": WORKER, "quantity": quantity}])
        return True

    def _is_new(self, said: str) -> bool:
        before, self._said = self._said, said
        return said != before

    def _fails_anew(self, why: str) -> bool:
        before, self._failed = self._failed, why
        return why != before


class Spent:
    """Hours of dynos since the day began (UTC): of those that run, as old as they are; then as seen. In Unix time."""

    def __init__(self, since: Iterable[float], now: float) -> None:
        self._day = now // DAY_S
        self._seconds = sum(now - max(begun, self._day * DAY_S) for begun in since)
        self._seen = now

    def hours(self, quantity: int, now: float) -> float:
        """Until now, so many dynos having run since it was asked last."""
        if now // DAY_S != self._day:
            self._day, self._seconds, self._seen = now // DAY_S, 0.0, now // DAY_S * DAY_S
        self._seconds += (now - self._seen) * quantity
        self._seen = now
        return self._seconds / 3600


def _node(place: int, one: Worker, keeps: str) -> Node:
    free = Capacity(one.memory_mb - one.memory_used_mb, one.cores - one.cores_used)
    return Node(place, Capacity(one.memory_mb, one.cores), free, keeps)


def offered(size: str) -> Capacity:
    """What a worker on a dyno of this size offers; on one that is not known, what one of private-m does."""
    known = SIZES.get(size.lower().replace("shield-", "private-"), SIZES["private-m"])
    return Capacity(sizing.worker_memory_mb(Capacity(known.memory_mb, known.cores)), known.cores)
