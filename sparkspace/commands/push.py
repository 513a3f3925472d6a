"""``sparkspace push``: changed code from a laptop to a session on the cluster, within a second."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, wait_fixed

from ..code import size
from ..code.push import source
from ..code.push.following import AGAIN_AFTER_S, Following
from ..code.push.wire import SessionNotOpen, Unreachable, Wire, one_of
from ..log import notice
from . import credentials
from .arguments import Parser

DESCRIPTION = """\
Send changed Python packages and classes to a session on the cluster that asks for them, which uses them at its next
action: sparkspace.session(push="ann"). Only what is missing there is sent; what the release has is not changed.

Without folders, the project of the current folder: its packages, and the folders of its compiled classes.
The cluster is the box that is open here, or --url, or SPARKSPACE_URL; the password is the box's, or that of
SPACE_PROXY_BASIC_AUTH, or of .netrc, or is asked for."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Push once, or at each change until Ctrl-C.

    Raises:
        SparkspaceError: nothing was pushed, and why.
    """
    parser = Parser("push", DESCRIPTION)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--to", default="", metavar="NAME", help="the session; default: the one that is open")
    parser.add_argument("--url", default="", help="the web process, like https://spark@myapp.herokuapp.com")
    parser.add_argument("--watch", action="store_true", help="push at each change, until Ctrl-C")
    options = parser.parse_args(args)
    found = source.find(options.folders, Path.cwd(), env)
    wire = Wire(credentials.entrance(options.url, Path.cwd(), env))
    try:
        to = options.to or (awaited(wire) if options.watch else opened(wire))
        snapshot = found.look()
        size.warn(snapshot.files, "pushed")
        notice(f"Pushing {found.described()} to {to} at {wire.entrance.url}")
        if options.watch:
            Following(wire, to, found, say).follow()
        else:
            print(wire.push(to, snapshot))
    except KeyboardInterrupt:
        if not options.watch:
            raise
    return 0


def opened(wire: Wire) -> str:
    """The session that is open.

    Raises:
        SessionNotOpen: there is none.
        UsageError: there are several.
    """
    return one_of([str(each["name"]) for each in wire.sessions()])


def awaited(wire: Wire) -> str:
    """The session that is open, or the first that will be.

    Raises:
        UsageError: there are several.
    """
    passing = (SessionNotOpen, Unreachable)
    try:
        return opened(wire)
    except passing as error:
        say(f"{error.message} Trying again.\n{error.cure}")
    return Retrying(retry=retry_if_exception_type(passing), wait=wait_fixed(AGAIN_AFTER_S))(opened, wire)


def say(text: str) -> None:
    """A push as a result, anything else to who reads along."""
    if text.startswith("pushed "):
        print(text, flush=True)
    else:
        notice(*text.splitlines())
    sys.stdout.flush()
