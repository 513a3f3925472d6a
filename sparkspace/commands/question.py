"""Asking before something is done that can't be undone."""

from __future__ import annotations

import sys

from ..errors import UsageError


def agreed(question: str, otherwise: str) -> bool:
    """Whether somebody typed yes.

    Raises:
        UsageError: nobody is there to ask; ``otherwise`` is the option that answers.
    """
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask at, so nothing was done.", f"To agree beforehand, add: {otherwise}"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
