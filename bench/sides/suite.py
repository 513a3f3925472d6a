"""Run benchmarks, one after the other: all, or those that are named. What they find is kept, and docs/performance.md
written anew. Exit code 1 when one failed or missed an aim."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import ROOT, performance, result
from .command import SIGNALS, interrupt

MET, MISSED, LEFT_OUT, FAILED = "done", "an aim is missed", "left out", "FAILED"
WITHIN_S = 3 * 3600  # of one benchmark
CLOSES_WITHIN_S = 120  # one that is interrupted: it closes its box


def main() -> int:
    """``bench/run``."""
    options = parser().parse_args()
    if unknown := set(options.names) - set(benchmarks()):
        parser().error(f"there is no {', '.join(sorted(unknown))}, only {', '.join(benchmarks())}")
    if options.list:
        print("\n".join(f"{name:<11} {performance.docstring(path)[0]}" for name, path in benchmarks().items()))
        return 0
    if options.write:
        performance.write()
        return 0
    for each in SIGNALS:
        signal.signal(each, interrupt)
    with looked_at() if options.quick else kept() as folder:
        return run_all(options.names or list(benchmarks()), Path(folder), options.quick)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="a look at all of them in less than five minutes, which keeps nothing"
    )
    parser.add_argument("--list", action="store_true", help="print what there is")
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md of what is kept; measure nothing"
    )
    return parser


def benchmarks() -> dict[str, Path]:
    """Name → file of all that there are."""
    return {path.stem: path for path in sorted(performance.BENCH.glob("*.py"))}


@contextlib.contextmanager
def kept() -> Iterator[Path]:
    """Where results stay; the page is written at the end, also when that comes early."""
    try:
        yield result.RESULTS
    finally:
        performance.write()


@contextlib.contextmanager
def looked_at() -> Iterator[Path]:
    """Where results don't stay."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def run_all(names: list[str], folder: Path, quick: bool) -> int:
    """One after the other; what became of each is said at the end."""
    since, became = time.monotonic(), {}
    try:
        for number, name in enumerate(names):
            say(f"{name} ({number + 1} of {len(names)})")
            begun = time.monotonic()
            became[name] = run(name, folder, quick)
            say(f"{name}: {became[name]}, {time.monotonic() - begun:.0f} s")
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    say(", ".join(f"{name}: {what}" for name, what in became.items()) + f"; {time.monotonic() - since:.0f} s in all")
    return int(bool({MISSED, FAILED} & set(became.values())))


def run(name: str, folder: Path, quick: bool) -> str:
    """Run one, and keep what it found. What became of it."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch) / f"{name}.json"
        command = [sys.executable, f"bench/{name}.py", "--json", str(found), *(["--quick"] if quick else [])]
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
            code = waited_for(process)
        if found.exists() and code in (0, 1):
            folder.mkdir(exist_ok=True)
            shutil.copy(found, folder)
            return MISSED if code else MET
    return FAILED if code else LEFT_OUT


def waited_for(process: subprocess.Popen[bytes]) -> int:
    """Its exit code. One that is interrupted, or takes too long, is interrupted itself, and closes what it has opened.

    Raises:
        KeyboardInterrupt: it was interrupted, and has ended.
    """
    try:
        return process.wait(WITHIN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired) as error:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(CLOSES_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        if isinstance(error, KeyboardInterrupt):
            raise
        return process.wait()


def say(words: str) -> None:
    """To stderr: tables go to stdout."""
    print(f"-----> {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
