"""``sparkspace demo``: from a fresh clone to an answer that a cluster computed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import launch
from ..errors import CheckFailed, LaunchError
from .arguments import Parser

if TYPE_CHECKING:
    from ..heroku.client import Client

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = "word_count"
WORKERS = 2
DESCRIPTION = """\
Install what is missing, open a box with a master and two workers, count the words of Newton's Opticks in a one-off
dyno through bin/spark-submit, print the answer and the seconds of each stage, and close the box."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Install, then do the rest in the Python that everything is installed in."""
    parser = Parser("demo", DESCRIPTION)
    parser.add_argument("--keep", action="store_true", help="leave the box open, and say what to try")
    options = parser.parse_args(args)
    if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve():
        install()
    else:
        with stage("install what is missing", live=False):
            install()
        launcher = str(ROOT / "bin" / "sparkspace")
        launch.become(launch.Command((launcher, "demo", *args), env))
    os.chdir(ROOT)
    show(env, options.keep)
    return 0


def install() -> None:
    """Run ``scripts/setup``, which says what it installs, and nothing when nothing is missing.

    Raises:
        LaunchError: something can't be installed; setup has said what.
    """
    if subprocess.run([str(ROOT / "scripts" / "setup")]).returncode:
        raise LaunchError(
            "Not everything could be installed (see above).", f"When that is mended: {ROOT}/scripts/setup"
        )
    if not Path(ROOT / ".venv" / "bin" / "python3").exists():
        raise LaunchError(f"scripts/setup did not make {ROOT}/.venv.", "Remove .venv, and try again.")


def show(env: Mapping[str, str], keep: bool) -> None:
    """The stages, from the box to the answer, and back to nothing."""
    from ..box import handle
    from . import here

    wishes = handle.Wishes(quantities={"master": 1, "worker": WORKERS}, leash=not keep)
    with stage("open a box"):
        box, _process = handle.open_box(ROOT, wishes, env)
    try:
        client = here.of(box)
        with stage(f"start a master and {WORKERS} workers ({box.network})"):
            in_a_dyno(client, f"bin/sparkspace wait --workers {WORKERS} --timeout 180")
        with stage(f"bin/spark-submit examples/{EXAMPLE}.py in a one-off dyno"):
            answer = in_a_dyno(client, f"bin/spark-submit examples/{EXAMPLE}.py")
        print(answer, end="", flush=True)
        check(answer)
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            with stage("close the box"):
                handle.close(ROOT, box)
    if keep:
        suggest()


def in_a_dyno(client: Client, command: str) -> str:
    """Run a command in a one-off dyno. Returns what it printed.

    Raises:
        CheckFailed: it failed; the message has its last lines.
    """
    from ..box import terminal

    dyno = client.run(command, **terminal.PIPES)
    code, stdout, stderr = terminal.capture(terminal.socket_url(client.url, str(dyno["attach_url"])))
    if code:
        last = "\n".join((stderr or stdout).splitlines()[-25:])
        logs = "\n".join(client.logs(lines=25))
        raise CheckFailed(f"{command} ended with exit code {code}.", f"{last}\nThe box's log ends with:\n{logs}")
    return stdout


def check(answer: str) -> None:
    """The answer is right, and was computed by every worker.

    Raises:
        CheckFailed: it is not.
    """
    counted, _, hosts = answer.rpartition("hosts: ")
    expected = (ROOT / "examples" / "expected" / f"{EXAMPLE}.txt").read_text()
    if counted != expected:
        raise CheckFailed("The cluster's answer is not that of examples/expected.", "Please report this.")
    if len(hosts.split(",")) != WORKERS:
        raise CheckFailed(f"Only {hosts.strip()} took part in the job, not {WORKERS} workers.", "Please report this.")


@contextlib.contextmanager
def stage(what: str, live: bool = True) -> Iterator[None]:
    """Show a stage while it runs, if this is a terminal, and its seconds when it is over."""
    since = time.monotonic()
    with spinner(what) if live and sys.stderr.isatty() else contextlib.nullcontext():
        yield
    print(f"-----> {what:<60} {time.monotonic() - since:6.1f} s", file=sys.stderr, flush=True)


@contextlib.contextmanager
def spinner(what: str) -> Iterator[None]:
    """A live line with the seconds so far."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what)
        yield


def suggest() -> None:
    """What to try in a box that was left open."""
    print(
        """
The box is open. Try:

  bin/sparkspace open                         Spark's pages
  bin/sparkspace status
  bin/sparkspace run bin/spark-shell          then: sc.parallelize(1 to 1000000).map(_.toLong).reduce(_ + _)
  bin/sparkspace scale worker=3
  bin/sparkspace logs --tail
  bin/sparkspace down                         closes it""",
        file=sys.stderr,
    )
