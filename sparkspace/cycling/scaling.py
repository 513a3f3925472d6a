"""Scaling: how many worker dynos there should be, and why. Nothing here asks or acts; bench/autoscale.py replays it.

Up as soon as an application has asked for executors in vain for a moment, by as many workers as those need. Down by the
workers with the highest numbers, since it is those that Heroku removes, when nothing has run on them for a while: the
last one for as long as the operator says, the others for as long as another would need to come (to keep one for longer
costs more than to be wrong; the rule of ski rental).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..config import Scaling
from ..sizing import Capacity

# An application asks for more and more executors for a second or two, and a look can fall between two tasks.
WANTED_FOR_S = 10.0
# A dyno that has not registered for so long is not coming: it is neither counted as capacity nor waited for.
COMES_WITHIN_S = 300.0
SPARE_FOR_S = 60.0


@dataclass(frozen=True)
class Wish:
    """Executors that an application asks for and has not got."""

    application: str
    executors: int
    each: Capacity


@dataclass(frozen=True)
class Node:
    """A worker that takes work, by the number of its dyno."""

    number: int
    offers: Capacity
    free: Capacity
    keeps: str = ""  # why it may not go although nothing runs on it; empty: it may

    @property
    def is_idle(self) -> bool:
        """Whether no executor runs on it."""
        return self.free.cores == self.offers.cores


@dataclass(frozen=True)
class Scene:
    """What is to be seen at one moment."""

    at_s: float  # of a clock that never goes back
    quantity: int  # of worker dynos, as the formation has it
    nodes: Sequence[Node]
    wishes: Sequence[Wish]
    each: Capacity  # what a worker offers, for those that are not there yet
    spent_hours: float = 0.0  # of this day, by all workers
    away: Mapping[int, str] = field(default_factory=dict)  # registered workers that take no work, and their state

    @cached_property
    def by_number(self) -> Mapping[int, Node]:
        """The nodes."""
        return {node.number: node for node in self.nodes}


@dataclass(frozen=True)
class Decision:
    """How many worker dynos there should be, and why. ``is_change``: others than there are."""

    quantity: int
    reason: str
    is_change: bool


@dataclass
class Memory:
    """Since when what is so is so, in seconds of the scene's clock."""

    wanting: float | None = None
    idle: dict[int, float] = field(default_factory=dict)
    absent: dict[int, float] = field(default_factory=dict)


class Scaler:
    """Decides, look after look."""

    def __init__(self, rule: Scaling) -> None:
        self._rule = rule
        self._memory = Memory()

    def decide(self, scene: Scene) -> Decision:
        """How many worker dynos there should be now."""
        self._remember(scene)
        coming = [number for number in self._memory.absent if self._may_come(number, scene)]
        needed = self._needed(scene, len(coming))
        if needed:
            return self._up(scene, needed)
        if coming:
            return _stay(scene, f"{len(coming)}-on-the-way")
        decision = self._down(scene)
        large = [wish.application for wish in scene.wishes if not fits(wish.each, scene.each)]
        if large and not decision.is_change:
            return _stay(scene, f"{large[0]}-asks-for-more-than-a-worker-has")
        return decision

    def _remember(self, scene: Scene) -> None:
        memory, now = self._memory, scene.at_s
        idle = [node.number for node in scene.nodes if node.is_idle and not node.keeps]
        present = {node.number for node in scene.nodes} | scene.away.keys()
        absent = [number for number in range(1, scene.quantity + 1) if number not in present]
        memory.idle = {number: memory.idle.get(number, now) for number in idle}
        memory.absent = {number: memory.absent.get(number, now) for number in absent}

    def _may_come(self, number: int, scene: Scene) -> bool:
        return scene.at_s - self._memory.absent[number] < COMES_WITHIN_S

    def _needed(self, scene: Scene, coming: int) -> int:
        """Workers beyond those that are there or coming, for what applications have asked for long enough."""
        free = [node.free for node in scene.nodes] + [scene.each] * coming
        needed = more_workers(scene.wishes, free, scene.each)
        since = scene.at_s if self._memory.wanting is None else self._memory.wanting
        self._memory.wanting = since if needed else None
        return needed

    def _up(self, scene: Scene, needed: int) -> Decision:
        rule, since = self._rule, self._memory.wanting
        names = ",".join(sorted({wish.application for wish in scene.wishes}))
        if self._is_spent(scene):
            return _stay(scene, f"the-day's-{rule.dyno_hours_per_day}-dyno-hours-are-spent")
        if scene.quantity >= rule.most:
            return _stay(scene, f"{names}-waits-and-{rule.most}-is-the-most")
        if since is not None and scene.at_s - since < WANTED_FOR_S:
            return _stay(scene, f"{names}-has-just-asked")
        return _change(scene, min(scene.quantity + needed, rule.most), f"{names}-waits-for-executors")

    def _down(self, scene: Scene) -> Decision:
        """Without those at the end of the row that have been idle for long enough, or have never come."""
        rule = self._rule
        if scene.quantity < rule.least:
            return _change(scene, rule.least, "fewer-than-the-least")
        if scene.quantity > rule.most:
            return self._fewer(scene, rule.most, "more-than-the-most")
        return self._fewer(scene, rule.least, "nothing-to-do")

    def _fewer(self, scene: Scene, least: int, reason: str) -> Decision:
        quantity = scene.quantity
        while quantity > least and not self._hold(quantity, scene):
            quantity -= 1
        if quantity < scene.quantity:
            return _change(scene, quantity, reason)
        held = self._hold(quantity, scene) if quantity > least else f"{least}-is-the-least"
        return _stay(scene, held)

    def _hold(self, number: int, scene: Scene) -> str:
        """Why the worker of this number stays; empty: it need not."""
        if number in self._memory.absent:
            return ""
        if number in scene.away:
            return f"worker.{number}-is-{scene.away[number]}"
        node = scene.by_number[number]
        if not node.is_idle:
            return f"worker.{number}-works"
        if node.keeps:
            return f"worker.{number}-{node.keeps}"
        idle_s = scene.at_s - self._memory.idle[number]
        patience_s = self._rule.idle_minutes * 60 if number == 1 else SPARE_FOR_S
        return "" if idle_s >= patience_s else f"worker.{number}-was-needed-less-than-{patience_s:.0f}-s-ago"

    def _is_spent(self, scene: Scene) -> bool:
        limit = self._rule.dyno_hours_per_day
        return limit is not None and scene.spent_hours >= limit


def more_workers(wishes: Iterable[Wish], free: Iterable[Capacity], each: Capacity) -> int:
    """How many empty workers, of ``each`` size, the wishes need beyond what is ``free``.

    An executor that is larger than an empty worker would wait for ever, with any number of them: it is not counted.
    """
    rooms, more = Counter(free), 0
    for wish in wishes:
        left = wish.executors
        for room in list(rooms):
            left -= fill(rooms, room, wish.each, left)
        new = -(-left // fits(wish.each, each)) if fits(wish.each, each) else 0
        rooms[each] += new
        fill(rooms, each, wish.each, left)
        more += new
    return more


def fill(rooms: Counter[Capacity], room: Capacity, executor: Capacity, wanted: int) -> int:
    """Place executors in the rooms that are like this one, as many as are wanted at most. Returns how many.

    Rooms that are alike are one entry, so that a thousand of them are no more work than one.
    """
    most = max(0, fits(executor, room))
    taken = min(wanted, most * rooms[room])
    full, rest = divmod(taken, most) if most else (0, 0)
    rooms[room] -= full + bool(rest)
    rooms[without(room, executor, most)] += full
    rooms[without(room, executor, rest)] += bool(rest)
    for each in (room, without(room, executor, most), without(room, executor, rest)):
        if not rooms[each]:
            del rooms[each]
    return taken


def fits(executor: Capacity, room: Capacity) -> int:
    """How many executors of this size have room there."""
    return min(room.cores // executor.cores, room.memory_mb // executor.memory_mb)


def without(room: Capacity, executor: Capacity, count: int) -> Capacity:
    """What is left when so many executors have been placed."""
    return Capacity(room.memory_mb - count * executor.memory_mb, room.cores - count * executor.cores)


def _stay(scene: Scene, reason: str) -> Decision:
    return Decision(scene.quantity, reason, False)


def _change(scene: Scene, quantity: int, reason: str) -> Decision:
    return Decision(quantity, reason, quantity != scene.quantity)
