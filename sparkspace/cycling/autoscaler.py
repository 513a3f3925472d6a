"""Beside the master that leads, the number of worker dynos follows the work. Each change is a line of the log.

Whatever fails here, the cluster goes on with the dynos that it has.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterable
from typing import Any

from .. import sizing
from ..cluster import worker
from ..cluster.decommission import decommission
from ..cluster.master import MasterStatus, Worker
from ..config import Scaling
from ..errors import MasterUnreachable, SparkspaceError
from ..heroku import listed
from ..heroku.sizes import SIZES
from ..log import event, notice, tell
from ..sizing import Capacity
from . import registered
from .scaling import Decision, Node, Scaler, Scene
from .supervisor import WORKER
from .turn import Turns
from .verdict import number
from .wishes import Wishes

DAY_S = 86_400
LOOK_EVERY_S = 15.0  # one call of the API each, of 4,500 an hour
# What is told to leave has no executors; one may have come in that moment, and is waited for.
LEAVES_WITHIN_S = 900.0


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
        self._said = ""
        self._owed: int | None = None  # a number of dynos: the others take no work any more, and are still there

    def run(self) -> None:
        """For ever. What goes wrong is said, once."""
        while True:
            try:
                self.look()
            except SparkspaceError as error:
                if self._is_new(error.message):
                    event("scaling-stopped", reason=type(error).__name__, status=getattr(error, "status", 0))
                    notice(*error.lines(), "The cluster goes on with the workers that it has.")
            except Exception as error:  # a fault of ours: the next look may do better
                if self._is_new(repr(error)):
                    traceback.print_exc()
            time.sleep(LOOK_EVERY_S)

    def look(self) -> Decision | None:
        """See what is needed, and have it. None: another master leads.

        Raises:
            ApiError: the API refused, or failed; nothing was scaled down.
            MasterUnreachable: no master leads any more.
        """
        page = self._turns.page()
        if not page or page.url != registered.own_url(self._place.dyno):
            return None
        if self._owed is not None:
            self._scale(self._owed)
        scene = self.scene(page)
        decision = self._scaler.decide(scene)
        if decision.quantity < scene.quantity and not self._turn.acquire(blocking=False):
            decision = Decision(scene.quantity, "another-worker-has-its-turn", False)
        self._tell(scene, decision)
        if self._is_new(decision.reason) or decision.is_change:
            event("scaling", workers=scene.quantity, to=decision.quantity, reason=decision.reason)
        if decision.quantity > scene.quantity:
            self._scale(decision.quantity)
        elif decision.is_change:
            self._remove(page, decision.quantity)
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
        workers = {
            number(name): found[-1] for name, found in self._alive(page).items() if name.startswith(f"{WORKER}.")
        }
        self._each = page.smallest_worker or self._each or offered(listed.size(line))
        nodes = [self._node(place, one, page) for place, one in sorted(workers.items()) if place <= quantity]
        wishes = self._wishes.of(page, self._each)
        self._spent = self._spent or Spent(self._workers_since(), time.time())
        return Scene(now, quantity, nodes, wishes, self._each, self._spent.hours(quantity, time.time()))

    def _workers_since(self) -> list[float]:
        return [dyno.since.timestamp() for dyno in self._turns.client.listed_dynos() if dyno.type == WORKER]

    def _line(self) -> dict[str, Any]:
        lines = {line["type"]: line for line in self._turns.client.formation()}
        return lines.get(WORKER, {"quantity": 0})

    def _alive(self, page: MasterStatus) -> dict[str, list[Worker]]:
        return registered.workers(page, self._place.dyno.app_domain)

    def _node(self, place: int, one: Worker, page: MasterStatus) -> Node:
        free = Capacity(one.memory_mb - one.memory_used_mb, one.cores - one.cores_used)
        keeps = self._keeps(one, page) if not one.cores_used else ""
        return Node(place, Capacity(one.memory_mb, one.cores), free, keeps)

    def _keeps(self, one: Worker, page: MasterStatus) -> str:
        """Where workers serve shuffle files: of which application this one has some, perhaps the only ones."""
        if not self._place.settings.serves_shuffles:
            return ""
        ended = worker.ended(one)
        if ended is None:
            return "does-not-answer"
        running = sorted({application.id for application in page.applications} & set(ended))
        return f"keeps-files-of-{running[0]}" if running else ""

    def _remove(self, page: MasterStatus, quantity: int) -> None:
        """Take the last ones away, when the master gives them no more work and nothing runs on them. It is our turn.

        Raises:
            ApiError: the API refused, or failed.
        """
        try:
            leaving = [found[-1] for name, found in self._alive(page).items() if number(name) > quantity]
            if not leaving or self._leave(page, leaving):
                self._owed = quantity
                self._scale(quantity)
        finally:
            self._turn.release()

    def _leave(self, page: MasterStatus, leaving: list[Worker]) -> bool:
        """Whether they have been told to take no more work, and have nothing left."""
        host = page.url.removeprefix("http://").partition(":")[0]
        if not decommission(self._place, host, [one.host for one in leaving]):
            raise MasterUnreachable(
                "The master does not know the workers that were to leave.", "See: heroku logs --ps master"
            )
        end = time.monotonic() + LEAVES_WITHIN_S
        while any(worker.applications(one) for one in leaving):
            if time.monotonic() > end:
                event("scaling-waits", reason="executors-run-on-a-worker-that-was-to-leave")
                return False
            time.sleep(1)
        return True

    def _scale(self, quantity: int) -> None:
        self._turns.client.scale([{"type": WORKER, "quantity": quantity}])
        self._owed = None

    def _is_new(self, said: str) -> bool:
        before, self._said = self._said, said
        return said != before


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


def offered(size: str) -> Capacity:
    """What a worker on a dyno of this size offers; on one that is not known, what one of private-m does."""
    known = SIZES.get(size.lower(), SIZES["private-m"])
    return Capacity(sizing.worker_memory_mb(Capacity(known.memory_mb, known.cores)), known.cores)
