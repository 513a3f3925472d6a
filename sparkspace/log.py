"""Events for the operator: one logfmt line each, on stderr. Results go to stdout and are nobody's business here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping

Listener = Callable[[str, Mapping[str, object]], None]
_listeners: list[Listener] = []
_PLAIN = re.compile(r"[^\s\"=\\]+")


def listen(listener: Listener) -> None:
    """Have every event of this process, from now on, told to ``listener`` too."""
    _listeners.append(listener)


def tell(at: str, **facts: object) -> None:
    """Tell those who listen, and print nothing: what is so again and again would fill the log."""
    for listener in _listeners:
        listener(at, facts)


def event(at: str, **facts: object) -> None:
    """Print ``sparkspace at=<at> key=value …`` to stderr."""
    tell(at, **facts)
    fields = "".join(f" {key}={logfmt(value)}" for key, value in facts.items())
    print(f"sparkspace at={at}{fields}", file=sys.stderr, flush=True)


def notice(*lines: str) -> None:
    """Print lines for a person to stderr, in the manner of Heroku's builds."""
    for line in lines:
        print(f" !     {line}", file=sys.stderr)
    sys.stderr.flush()


def logfmt(value: object) -> str:
    """A value as logfmt wants it: bare when it can be, else quoted."""
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)
