"""``status`` as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .class_server import Push
from .master import MasterStatus, Worker, leader


@dataclass(frozen=True)
class Dynos:
    """Those of a process type: how many there are, and may be, and what each costs in dollars a month, if known."""

    type: str
    quantity: int
    size: str
    dollars_a_month: int | None
    least: int
    most: int

    def cost(self, quantity: int) -> str:
        """Of so many of them."""
        return "?" if self.dollars_a_month is None else f"{quantity * self.dollars_a_month:,}"


def as_json(masters: Sequence[MasterStatus], pushes: Sequence[Push] = (), dynos: Sequence[Dynos] = ()) -> str:
    """``{"masters": […], "workers": […], "applications": […], "pushed": […], "dynos": […]}``.

    Workers and applications are the ALIVE master's.
    """
    alive = leader(masters)
    document = {
        "masters": [{"url": m.url, "state": m.state, "problem": m.problem} for m in masters],
        "workers": [dataclasses.asdict(worker) for worker in alive.workers] if alive else [],
        "applications": [dataclasses.asdict(application) for application in alive.applications] if alive else [],
        "pushed": [dataclasses.asdict(push) for push in pushes],
        "dynos": [dataclasses.asdict(each) for each in dynos],
    }
    return json.dumps(document, indent=2)


def as_text(masters: Sequence[MasterStatus], pushes: Sequence[Push] = (), dynos: Sequence[Dynos] = ()) -> str:
    """Tables: masters, workers, applications; what is pushed, if any session asks for it; what dynos cost, if known."""
    alive = leader(masters)
    workers = alive.workers if alive else ()
    applications = alive.applications if alive else ()
    dead = [worker.announced[0] or worker.host for worker in workers if worker.state == "DEAD"]
    parts = [
        table(("MASTER", "STATE", "PROBLEM"), ((m.url, m.state, m.problem) for m in masters)),
        table(
            ("WORKER", "ADDRESS", "STATE", "CORES USED", "MEMORY USED"),
            [_working(worker) for worker in workers if worker.state != "DEAD"],
        ),
        table(
            ("APPLICATION", "NAME", "STATE", "CORES", "EXECUTOR MEMORY", "RUNNING FOR"),
            (
                (a.id, a.name, a.state, str(a.cores), f"{a.memory_per_executor_mb} MB", f"{a.duration_s:.0f} s")
                for a in applications
            ),
        ),
    ]
    if dead:
        parts[1] += f"\nDEAD, as the master remembers for a while: {', '.join(dead)}"
    if pushes:
        head = ("PUSHED TO", "VERSION", "FILES", "BY", "AT", "DRIVERS, AND WHAT THEY RUN")
        parts.append(table(head, map(_pushed, pushes)))
    if dynos:
        parts.append(table(("DYNOS", "QUANTITY", "SIZE", "$ A MONTH"), [*map(_priced, dynos), _sum(dynos)]))
    return "\n\n".join(parts)


def _working(worker: Worker) -> tuple[str, ...]:
    cores, memory = f"{worker.cores_used} of {worker.cores}", f"{worker.memory_used_mb} of {worker.memory_mb} MB"
    return worker.announced[0] or "?", worker.host, worker.state, cores, memory


def _priced(dynos: Dynos) -> tuple[str, ...]:
    follows = f" ({dynos.least} to {dynos.most})" if dynos.most > dynos.least else ""
    span = f" ({dynos.cost(dynos.least)} to {dynos.cost(dynos.most)})" if follows else ""
    return dynos.type, f"{dynos.quantity}{follows}", dynos.size, f"{dynos.cost(dynos.quantity)}{span}"


def _sum(dynos: Sequence[Dynos]) -> tuple[str, ...]:
    known = [each for each in dynos if each.dollars_a_month is not None]
    total = sum(each.quantity * (each.dollars_a_month or 0) for each in known)
    return (
        "all",
        str(sum(each.quantity for each in dynos)),
        "",
        f"{total:,}" + ("" if known == list(dynos) else " and ?"),
    )


def _pushed(push: Push) -> tuple[str, ...]:
    at = datetime.fromtimestamp(push.at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC") if push.version else ""
    drivers = ", ".join(f"{dyno} {version[:7] or 'the release'}" for dyno, version in push.drivers)
    return push.session, push.version[:7] or "nothing yet", str(push.files), push.by, at, drivers


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; ``(none)`` under the head when there are no rows."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*lines, "(none)"] if len(lines) == 1 else lines)
