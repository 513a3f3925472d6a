"""``sparkspace doctor --timing``: the steps of a start. Text on stdout; the SVG where it is wanted."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ..cluster import stopwatch, waterfall
from ..errors import CheckFailed, UsageError
from . import everywhere


def run(name: str, options: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Measure in this dyno, or beside a box in a one-off dyno of it, and show it here."""
    if everywhere.on_a_dyno(env):
        show(stopwatch.measure(env, options.timeout), options)
        return 0
    code, stdout = everywhere.from_the_box(name, ["--timing", "--json", "--timeout", str(options.timeout)])
    if not code:
        show(parse(stdout), options)
    return code


def show(found: waterfall.Waterfall, options: argparse.Namespace) -> None:
    """Print it. An SVG on stdout is alone there.

    Raises:
        UsageError: the file can't be written.
    """
    as_text = waterfall.as_text(found, shutil.get_terminal_size().columns)
    print(waterfall.as_json(found) if options.json else as_text, file=sys.stderr if options.svg == "-" else sys.stdout)
    if options.svg == "-":
        print(waterfall.as_svg(found), end="")
    elif options.svg:
        write(waterfall.as_svg(found), options.svg)


def write(svg: str, file: str) -> None:
    """Raises UsageError: the file can't be written."""
    try:
        Path(file).write_text(svg, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Can't write the SVG to {file}: {error.strerror}.", "Name another file: --svg FILE") from None


def parse(stdout: str) -> waterfall.Waterfall:
    """What the dyno has printed: the last line, for buildpacks' own scripts may print, too.

    Raises:
        CheckFailed: it is something else.
    """
    try:
        return waterfall.parse(stdout.splitlines()[-1])
    except (IndexError, KeyError, TypeError, ValueError):
        raise CheckFailed("The dyno did not print what was measured.", stdout[-2000:]) from None
