"""Command lines: argparse, whose complaints become ``UsageError``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from ..errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser for ``bin/sparkspace <word>``."""

    def __init__(self, word: str, description: str, **options: object) -> None:
        super().__init__(
            prog=f"bin/sparkspace {word}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,  # type: ignore[arg-type]  # argparse's own keywords
        )

    def error(self, message: str) -> NoReturn:
        """Raises UsageError, in place of argparse's own exit."""
        raise UsageError(f"{self.prog}: {message}", f"See: {self.prog} --help")


def assignment(text: str) -> tuple[str, str]:
    """``NAME=value``.

    Raises:
        argparse.ArgumentTypeError: there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=value")
    return name, value


def whole(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least ``least``."""

    def number(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least {least}")
        return int(text)

    return number
