"""``status`` as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from .class_server import Push
from .master import MasterStatus, leader


def as_json(masters: Sequence[MasterStatus], pushes: Sequence[Push] = ()) -> str:
    """``{"masters": […], "workers": […], "applications": […], "pushed": […]}``.

    Workers and applications are the ALIVE master's.
    """
    alive = leader(masters)
    document = {
        "masters": [{"url": m.url, "state": m.state, "problem": m.problem} for m in masters],
        "workers": [dataclasses.asdict(worker) for worker in alive.workers] if alive else [],
        "applications": [dataclasses.asdict(application) for application in alive.applications] if alive else [],
        "pushed": [dataclasses.asdict(push) for push in pushes],
    }
    return json.dumps(document, indent=2)


def as_text(masters: Sequence[MasterStatus], pushes: Sequence[Push] = ()) -> str:
    """Three tables: masters, workers, applications; and a fourth, if any session asks for what is pushed."""
    alive = leader(masters)
    workers = alive.workers if alive else ()
    applications = alive.applications if alive else ()
    parts = [
        table(("MASTER", "STATE", "PROBLEM"), ((m.url, m.state, m.problem) for m in masters)),
        table(
            ("WORKER", "STATE", "CORES USED", "MEMORY USED"),
            (
                (w.host, w.state, f"{w.cores_used} of {w.cores}", f"{w.memory_used_mb} of {w.memory_mb} MB")
                for w in workers
            ),
        ),
        table(
            ("APPLICATION", "NAME", "STATE", "CORES", "EXECUTOR MEMORY", "RUNNING FOR"),
            (
                (a.id, a.name, a.state, str(a.cores), f"{a.memory_per_executor_mb} MB", f"{a.duration_s:.0f} s")
                for a in applications
            ),
        ),
    ]
    if pushes:
        head = ("PUSHED TO", "VERSION", "FILES", "BY", "AT", "DRIVERS, AND WHAT THEY RUN")
        parts.append(table(head, map(_pushed, pushes)))
    return "\n\n".join(parts)


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
