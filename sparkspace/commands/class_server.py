"""``bin/class-server``: serves classes and Python sources to the cluster, and takes what ``sparkspace push`` sends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..code.class_server import serving
from ..config import Dyno, Settings
from .arguments import Parser

DESCRIPTION = """\
Serve classes, jars and Python sources of this release to the cluster, and what is pushed to its sessions.
Without arguments: the app's class folders and its Python sources."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Serve until stopped.

    Raises:
        SparkspaceError: something is missing or wrong.
    """
    parser = Parser("", DESCRIPTION)
    parser.prog = f"bin/{name}"
    parser.add_argument("roots", nargs="*", type=Path, metavar="FOLDER|JAR", help="class folders and jars")
    parser.add_argument("--python", action="append", type=Path, default=[], metavar="FOLDER", help="Python sources")
    options = parser.parse_args(args)
    serving.serve(Dyno.from_env(env), Settings.from_env(env), env, Path.cwd(), options.roots, options.python)
    return 0
