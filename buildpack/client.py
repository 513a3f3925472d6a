"""The clients that fetch: where pip is, and how what they say can be shown."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from .errors import BuildError


def pip_program() -> tuple[list[str], Path | None]:
    """How to start pip, and what must be on its PYTHONPATH. heroku/python has it for apps that use it themselves.

    Raises:
        BuildError: this Python has none.
    """
    program = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip"):
        return program, None
    if wheel := bundled_pip():
        return program, wheel
    raise BuildError(
        f"{sys.executable} has no pip, which fetches Spark.",
        "Put Heroku's Python buildpack before this one: heroku buildpacks:add --index 1 heroku/python",
    )


def bundled_pip() -> Path | None:
    """The wheel of pip that is part of Python itself. Debian's Python has none."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return max(Path(spec.origin).parent.glob("_bundled/pip-*.whl"), default=None)


def masked(text: str) -> str:
    """``text`` without the credentials of its URLs. Rather too much than too little: up to the last @ of a word."""
    return re.sub(r"://\S*@", "://***@", text)
