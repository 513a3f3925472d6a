"""``docs/grafana.json``, as far as a test wants to know it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "docs" / "grafana.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
INTERVAL = "30s"  # for Grafana's $__rate_interval
_NAME = re.compile(r"\b(?:sparkspace|metrics)_\w+")


@dataclass(frozen=True)
class Query:
    """One of a panel's."""

    panel: str
    expr: str

    @property
    def names(self) -> set[str]:
        """The metrics in it."""
        return set(_NAME.findall(self.expr))

    def of(self, job: str) -> str:
        """As Grafana sends it, for one cluster."""
        return self.expr.replace("$job", job).replace("$__rate_interval", INTERVAL)


def queries() -> list[Query]:
    """All of them."""
    return [
        Query(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
    ]
