"""``status`` as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

from .master import MasterStatus, leader


def as_json(masters: Sequence[MasterStatus]) -> str:
    """``{"masters": […], "workers": […], "applications": […]}``; workers and applications are the ALIVE master's."""
    alive = leader(masters)
    document = {
        "masters": [{"url": m.url, "state": m.state, "problem": m.problem} for m in masters],
        "workers": [dataclasses.asdict(worker) for worker in alive.workers] if alive else [],
        "applications": [dataclasses.asdict(application) for application in alive.applications] if alive else [],
    }
    return json.dumps(document, indent=2)


def as_text(masters: Sequence[MasterStatus]) -> str:
    """Three tables: masters, workers, applications."""
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
    return "\n\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; ``(none)`` under the head when there are no rows."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*lines, "(none)"] if len(lines) == 1 else lines)
