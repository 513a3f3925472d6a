"""A week of work on a cluster whose size follows it: what that costs, and how long jobs wait for it.

Jobs arrive at random, more of them by day; each wants executors for its tasks, and gives them back when it is done. The
very code that decides on Heroku (``sparkspace.cycling.scaling``) is asked every 15 seconds of the simulated week, and
beside it: all workers all the time; the rules that Databricks documents (up from least to most in two steps, down after
40 or 150 idle seconds); and one that knows the future, and has each worker exactly when ours had it at work, so that
everybody waits for as long. Hours of dynos, and how much later than on a large cluster jobs were done, in seconds.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from sides import turns
from sides.command import Command, Size
from sides.result import Row, measured

from sparkspace.config import Scaling
from sparkspace.cycling.scaling import Decision, Node, Scaler, Scene, Wish
from sparkspace.sizing import Capacity

STEP_S = 5
LOOK_EVERY_S = 15
DYNO_STARTS_S = 90  # a new dyno has a slug to fetch, and a JVM to start
EXECUTOR_STARTS_S = 5
WORKER = Capacity(11915, 8)  # private-l
EXECUTOR = Capacity(2978, 2)
SLOTS = WORKER.cores // EXECUTOR.cores  # executors of a worker
MOST_EXECUTORS = 16
MOST_WORKERS = 8
DAY_S = 24 * 3600
ROWS = {
    "hours": Row(
        "dynos of workers", "h",
        "A dyno takes 90 s to come, so it is kept for ten idle minutes: nobody but foresight knows if more work comes.",
    ),
    "p95": Row(
        "how late a job was done, 95th percentile", "s",
        "The 90 s in which a dyno comes, and jobs that are larger than all workers: the fixed cluster has those too.",
    ),
    "median": Row("how late a job was done, median", "s", "The 90 s of a dyno, for who comes to an idle cluster."),
}  # fmt: skip


@dataclass
class Job:
    """So many tasks of so many seconds each."""

    arrives_s: int
    tasks: int
    task_s: float
    left_s: float = 0.0  # task-seconds
    executors: list[tuple[int, int]] = field(default_factory=list)  # worker, and from when on it works
    done_s: int = 0

    def wanted(self) -> int:
        """Executors for the tasks that are left."""
        return min(MOST_EXECUTORS, math.ceil(math.ceil(self.left_s / self.task_s) / EXECUTOR.cores))

    def alone_s(self) -> float:
        """How long it takes on a cluster that has room for all that it wants."""
        at_once = min(self.tasks, MOST_EXECUTORS * EXECUTOR.cores)
        return EXECUTOR_STARTS_S + math.ceil(self.tasks / at_once) * self.task_s


def week(seed: int, days: int) -> list[Job]:
    """Jobs in the order of their arrival: a batch each hour, a large one each night, and people by day."""
    chance = random.Random(seed)
    jobs = []
    for day in range(days):
        for hour in range(24):
            at = day * DAY_S + hour * 3600
            jobs.append(Job(at + chance.randrange(60), chance.randint(40, 120), chance.uniform(15, 60)))
        jobs.append(Job(day * DAY_S + 2 * 3600 + 600, chance.randint(800, 2000), chance.uniform(40, 120)))
        people = 0.2 if day % 7 >= 5 else 1.0
        at = day * DAY_S + 9 * 3600
        while at < day * DAY_S + 18 * 3600:
            at += int(chance.expovariate(people / 600)) + 1
            jobs.append(Job(at, int(chance.lognormvariate(3.5, 1)) + 1, chance.lognormvariate(2, 0.8)))
    return sorted(jobs, key=lambda job: job.arrives_s)


class Policy(Protocol):
    """Decides how many workers there should be."""

    def decide(self, scene: Scene) -> Decision:
        """By what is to be seen."""


class Fixed:
    """All of them, always."""

    def decide(self, scene: Scene) -> Decision:
        """The same at each look."""
        return Decision(MOST_WORKERS, "", scene.quantity != MOST_WORKERS)


class TwoSteps:
    """Up from the least to the most in two steps when anybody waits, down without those idle for so many seconds."""

    def __init__(self, idle_s: int, least: int) -> None:
        self._idle_s = idle_s
        self._least = least
        self._idle: dict[int, float] = {}

    def decide(self, scene: Scene) -> Decision:
        """By who waits, and who has been idle."""
        idle = [node.number for node in scene.nodes if node.is_idle]
        self._idle = {number: self._idle.get(number, scene.at_s) for number in idle}
        if scene.wishes and scene.quantity == len(scene.nodes):
            half = (self._least + MOST_WORKERS + 1) // 2
            wanted = half if scene.quantity < half else MOST_WORKERS
            return Decision(wanted, "", wanted != scene.quantity)
        quantity = scene.quantity
        while quantity > self._least and scene.at_s - self._idle.get(quantity, scene.at_s) >= self._idle_s:
            quantity -= 1
        return Decision(quantity, "", quantity != scene.quantity)


@dataclass
class Outcome:
    """What a policy cost. ``busy``: for each step, how many workers had executors."""

    hours: float
    late: list[float]
    busy: list[int]

    def values(self) -> turns.Values:
        """Hours, and how much later than alone a job was done."""
        late = {"p95": statistics.quantiles(self.late, n=20)[-1], "median": statistics.median(self.late)}
        return {"hours": self.hours, **late}


class Cluster:
    """Workers that come and go as a policy says, and jobs on them, first come, first served."""

    def __init__(self, policy: Policy, jobs: list[Job], quantity: int) -> None:
        self._policy = policy
        self._coming = deque(Job(job.arrives_s, job.tasks, job.task_s, job.tasks * job.task_s) for job in jobs)
        self._here: list[Job] = []
        self._done: list[Job] = []
        self._ready_s = {number: 0 for number in range(1, quantity + 1)}  # when each worker takes work
        self._paid_s = 0
        self._busy: list[int] = []

    def run(self, until_s: int) -> Outcome:
        """Until then, and until all is done."""
        now = 0
        while now < until_s or self._coming or self._here:
            self._arrive(now)
            self._work(now)
            self._place(now)
            if now % LOOK_EVERY_S == 0:
                self._scale(now)
            self._paid_s += STEP_S * len(self._ready_s)
            self._busy.append(len({worker for job in self._here for worker, _ in job.executors}))
            now += STEP_S
        late = [job.done_s - job.arrives_s - job.alone_s() for job in self._done]
        return Outcome(self._paid_s / 3600, late, self._busy)

    def _arrive(self, now: int) -> None:
        while self._coming and self._coming[0].arrives_s <= now:
            self._here.append(self._coming.popleft())

    def _work(self, now: int) -> None:
        for job in self._here:
            cores = EXECUTOR.cores * sum(ready <= now for _, ready in job.executors)
            job.left_s -= STEP_S * min(cores, math.ceil(job.left_s / job.task_s))
            if job.left_s <= 0:
                job.done_s = now + STEP_S
                self._done.append(job)
        self._here = [job for job in self._here if job.left_s > 0]

    def _place(self, now: int) -> None:
        """Executors on the workers with the lowest numbers that have room."""
        rooms = [number for number, room in self._rooms(now).items() for _ in range(room)]
        heapq.heapify(rooms)
        for job in self._here:
            while rooms and len(job.executors) < job.wanted():
                job.executors.append((heapq.heappop(rooms), now + EXECUTOR_STARTS_S))

    def _rooms(self, now: int) -> dict[int, int]:
        rooms = {number: SLOTS for number, ready in self._ready_s.items() if ready <= now}
        for job in self._here:
            for worker, _ in job.executors:
                rooms[worker] -= 1
        return rooms

    def _scale(self, now: int) -> None:
        nodes = [
            Node(number, WORKER, Capacity(room * EXECUTOR.memory_mb, room * EXECUTOR.cores))
            for number, room in self._rooms(now).items()
        ]
        wishes = [
            Wish(f"app-{job.arrives_s}", missing, EXECUTOR)
            for job in self._here
            if (missing := job.wanted() - len(job.executors)) > 0
        ]
        scene = Scene(now, len(self._ready_s), nodes, wishes, WORKER)
        wanted = self._policy.decide(scene).quantity
        busy = {worker for job in self._here for worker, _ in job.executors}
        for number in range(len(self._ready_s), wanted, -1):
            assert number not in busy, "a worker at work was taken away"
            del self._ready_s[number]
        for number in range(len(self._ready_s) + 1, wanted + 1):
            self._ready_s[number] = now + DYNO_STARTS_S


def foresight(busy: list[int], least: int) -> float:
    """Hours of somebody who has each worker just when it is at work, and knows if it pays to keep one until then."""
    seconds = least * STEP_S * len(busy)
    for level in range(least + 1, max(busy) + 1):
        gap = DYNO_STARTS_S  # the first has to start
        for count in busy:
            if count < level:
                gap += STEP_S
                continue
            seconds += min(gap, DYNO_STARTS_S) + STEP_S  # to start, or to be kept
            gap = 0
    return seconds / 3600


def main() -> int:
    """Replay the week under each policy."""
    command = Command(
        __doc__,
        seed=Size(1, "of chance"),
        days=Size(7, "from a Monday on", quick=1),
        least=Size(1, "SPARKSPACE_WORKERS_MIN, for all"),
        idle=Size(10, "SPARKSPACE_IDLE_MINUTES of ours"),
    )
    seed, days, least, idle = command.sizes.values()
    policies: dict[str, tuple[Policy, int]] = {
        "ours": (Scaler(Scaling(least, MOST_WORKERS, idle, None)), least),
        "two steps, 40 s": (TwoSteps(40, least), least),
        "two steps, 150 s": (TwoSteps(150, least), least),
        "fixed": (Fixed(), MOST_WORKERS),
    }
    jobs = week(seed, days)
    print(f"{len(jobs)} jobs", file=sys.stderr)
    found = {name: Cluster(policy, jobs, first).run(days * DAY_S) for name, (policy, first) in policies.items()}
    runs = {name: [outcome.values()] for name, outcome in found.items()}
    best = {"hours": foresight(found["ours"].busy, least)}  # and as late as ours
    return command.finish(measured(ROWS, {"ours": runs.pop("ours"), "foresight": [best], **runs}))


if __name__ == "__main__":
    sys.exit(main())
