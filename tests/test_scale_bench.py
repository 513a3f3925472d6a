"""The benchmark of sizes, at small ones: that it runs, and that what it counts is so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .launchers import ROOT

PARTS = {  # name → requests, those of them to the API, names looked up; of 100 workers, with 10 applications
    "status": (3, 1, 2),
    "planned cycling: a look, no dyno is due": (2, 1, 1),
    "autoscaler: a look, all idle": (1 + 1 + 10 + 100, 1, 1 + 10),  # page, formation, drivers, workers
    "class server: 10 classes to each executor": (1000, 0, 0),
}


def test_the_benchmark_counts(tmp_path: Path) -> None:
    kept = tmp_path / "scale.json"
    command = [sys.executable, str(ROOT / "bench" / "scale.py"), "--quick", "--json", str(kept)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr
    first, _, _ = ended.stdout.partition("\n\n")
    head, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in first.splitlines())
    assert head[0] == "at 1 / 10 / 100 workers"
    found = {part: dict(zip(head[1:], map(last, cells), strict=True)) for part, *cells in lines}
    counts = {part: tuple(found[part][name] for name in ("requests", "API", "names")) for part in PARTS}
    assert counts == PARTS
    fastest, *rows = json.loads(kept.read_text())["rows"]
    assert [row["what"] for row in rows] == list(found)
    assert fastest["sides"]["ours"][0] >= found["autoscaler: a look, all idle"]["growth"]


def last(cell: str) -> float:
    """Of the largest size."""
    return float(cell.split(" / ")[-1].split()[0].replace(",", ""))
