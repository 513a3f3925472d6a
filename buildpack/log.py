"""What a build says: steps, each with its seconds and sizes, as Heroku's buildpacks do it. Never a progress bar."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType


def weight(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
    return path.stat().st_size


class Step:
    """One step: says its name when it begins, and what it took when it has gone well.

    >>> with Step("Fetching Spark 4.3.0") as step:
    ...     step.weigh(archive)
    -----> Fetching Spark 4.3.0
           456 MB in 14 s
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bytes = 0

    def __enter__(self) -> Step:
        self._since = time.monotonic()
        _say(f"-----> {self._name}")
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            size = f"{self._bytes / 1e6:.0f} MB in " if self._bytes else ""
            self.detail(f"{size}{time.monotonic() - self._since:.0f} s")

    def weigh(self, path: Path) -> None:
        """Count a file or a folder."""
        self._bytes += weight(path)

    def detail(self, text: str) -> None:
        """A line below the step."""
        _say(f"       {text}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
