"""The command line that all benchmarks have, and their end: what was found is kept, and printed."""

from __future__ import annotations

import argparse
import datetime
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import machine, result

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # SIGINT too: a shell's background job is born with it ignored


@dataclass(frozen=True)
class Size:
    """A number of the command line: what it is usually, what it is about, and another for ``--quick``."""

    usual: int
    help: str
    quick: int | None = None

    def of(self, given: int | None, quick: bool) -> int:
        """What counts."""
        if given is None:
            return self.quick if quick and self.quick is not None else self.usual
        return given

    def __str__(self) -> str:
        return f"{self.help} ({self.usual}{'' if self.quick is None else f'; quick: {self.quick}'})"


class Command:
    """A benchmark as it was called. ``sizes[NAME]`` is what ``--NAME`` says.

    Args:
        doc: of the benchmark.
        no_quick: why there is no quick look at it; with ``--quick`` it then says that, and ends well.
    """

    def __init__(self, doc: str | None, *, no_quick: str = "", **sizes: Size) -> None:
        self.name = Path(sys.argv[0]).stem
        self.machine = machine.this()  # before there is any load of ours
        options = parser(doc, sizes).parse_args()
        self.quick: bool = options.quick
        self.sizes = {name: size.of(getattr(options, name), self.quick) for name, size in sizes.items()}
        self._path: Path | None = options.json or (None if self.quick else result.RESULTS / f"{self.name}.json")
        for each in SIGNALS:
            signal.signal(each, interrupt)
        if self.quick and no_quick:
            print(f"bench/{self.name}.py has no --quick: {no_quick}.", file=sys.stderr)
            raise SystemExit(0)

    def finish(self, rows: Sequence[result.Row]) -> int:
        """Keep the rows, and print them. The exit code: 1 when an aim is missed, but not by a quick look."""
        words = [f"bench/{self.name}.py", *(f"--{name} {size}" for name, size in self.sizes.items())]
        today = datetime.date.today().isoformat()
        found = result.Result(self.name, " ".join(words), today, self.machine, rows)
        if self._path:
            result.keep(self._path, found)
        print(f"{result.table(rows)}\n\n`{found.command}`, {found.date}: {found.machine}.", flush=True)
        return int(not self.quick and any(row.met is False for row in rows))


def parser(doc: str | None, sizes: dict[str, Size]) -> argparse.ArgumentParser:
    """Of a benchmark."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=str(size))
    parser.add_argument("--quick", action="store_true", help="a look: few runs of small sizes; nothing is kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep it there; default: bench/results/NAME.json")
    return parser


def interrupt(*_: object) -> None:
    """Both signals close what is open, and nothing interrupts that."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
