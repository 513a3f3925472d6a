"""The benchmark of sizes, at small ones: that it runs, and that what it counts is so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .launchers import ROOT


def test_the_benchmark_counts(tmp_path: Path) -> None:
    kept = tmp_path / "scale.json"
    command = [sys.executable, str(ROOT / "bench" / "scale.py"), "--sizes", "2,4", "--rounds", "1", "--json", str(kept)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(kept.read_text())
    counts = ("requests", "API", "names")
    parts = {part: {name: rows["4"][name] for name in counts} for part, rows in found["parts"].items()}
    assert parts["status"] == {"requests": 3, "API": 1, "names": 2}
    assert parts["planned cycling: a look, no dyno is due"] == {"requests": 2, "API": 1, "names": 1}
    assert parts["autoscaler: a look, all idle"]["requests"] == 1 + 1 + 1 + 4  # page, formation, driver, workers
    assert parts["class server: 10 classes to each executor"]["requests"] == 40
    assert set(found["growth"]) == set(found["parts"])
    assert ended.stdout.startswith("| at 2 / 4 workers | CPU s |")
