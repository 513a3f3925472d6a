"""``sparkspace up``: open a box, and stay with it unless told otherwise."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from ..box import handle, record
from ..log import event
from . import entrance, here
from .arguments import Parser, assignment, whole

DESCRIPTION = """\
Open a Private Space in a box: the dynos of the Procfile on this machine, each with its own address and environment.
In the foreground the log follows, and Ctrl-C closes the box. Config vars come from .env and from the shell."""


def parser() -> Parser:
    """The command line."""
    parser = Parser("up", DESCRIPTION)
    for plural in ("workers", "masters", "zookeepers"):
        parser.add_argument(f"--{plural}", type=whole(0), metavar="N", help=f"how many {plural}")
    parser.add_argument(
        "--size", action="append", type=assignment, default=[], metavar="TYPE=SIZE", help="worker=Private-L"
    )
    parser.add_argument("--app", default="sparkspace", type=app_name, help="the app's name, part of every dyno's name")
    parser.add_argument(
        "--network", choices=("auto", "namespaces", "loopback"), default="auto", help="default: the best there is"
    )
    parser.add_argument("--port", type=whole(0), default=0, help="of the API on 127.0.0.1; default: a free one")
    parser.add_argument(
        "--web-port", type=whole(0), default=0, help="of the web process on 127.0.0.1; default: a free one"
    )
    parser.add_argument(
        "--tls", action="store_true", help="serve the web process over TLS, with a certificate of the box's own"
    )
    parser.add_argument(
        "--dns-lag",
        type=whole(0),
        default=0,
        metavar="S",
        help="names follow dynos after so many seconds",
    )
    parser.add_argument(
        "--slug", type=Path, metavar="FILE", help="boot what Heroku built (heroku slugs:download), not this folder"
    )
    parser.add_argument("--detach", action="store_true", help="return when the box is open, and leave it open")
    return parser


def app_name(text: str) -> str:
    """A Heroku app's name.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    import argparse
    import re

    if not re.fullmatch(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be 3 to 30 lowercase letters, digits and hyphens")
    return text


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Open the box of the app in this folder."""
    options = parser().parse_args(args)
    source = record.app_folder(Path.cwd())
    quantities = {
        kind: count
        for kind, count in (("worker", options.workers), ("master", options.masters), ("zookeeper", options.zookeepers))
        if count is not None
    }
    for var, count in (("SPARK_MASTERS", options.masters), ("SPARKSPACE_ZOOKEEPERS", options.zookeepers)):
        if count and var not in env:
            env = {**env, var: str(count)}
    wishes = handle.Wishes(
        app=options.app,
        network=options.network,
        port=options.port,
        web_port=options.web_port,
        tls=options.tls,
        quantities=quantities,
        sizes=dict(options.size),
        leash=not options.detach,
        dns_lag_s=options.dns_lag,
        slug=options.slug,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job is born with it ignored
        signal.signal(number, interrupt)
    box, process = handle.open_box(source, wishes, env)
    event("box-open", app=box.app, api=box.url, network=box.network)
    event("heroku-command", environment="bin/sparkspace env")
    if box.web:
        event("web", url=entrance.url(box), password="bin/sparkspace config:get SPACE_PROXY_BASIC_AUTH")
    for line in filter(None, box.notice.splitlines()):
        event("box-lacks", what=line)
    if options.detach:
        process.stdin.close() if process.stdin else None
        return 0
    return stay(source, box)


def interrupt(*_: object) -> None:
    """Both signals close the box."""
    raise KeyboardInterrupt


def stay(source: Path, box: record.Box) -> int:
    """Show the log until Ctrl-C, or until somebody else closes the box."""
    client = here.of(box)
    try:
        for line in client.logs(lines=100, tail=True):
            print(line, flush=True)
    except KeyboardInterrupt:
        event("box-closing", hint="once-more-to-leave-at-once")
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            handle.close(source, box)
    sys.stdout.flush()
    return 0
