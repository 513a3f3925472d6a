"""Commands that are the same on a dyno and beside a box: beside one, they run in a one-off dyno of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def on_a_dyno(env: Mapping[str, str]) -> bool:
    """Whether this process is in a dyno."""
    return bool(env.get("DYNO"))


def in_the_box(name: str, args: Sequence[str], *, with_token: bool = False) -> int:
    """Run ``bin/sparkspace <name> …`` in a one-off dyno of the box that is open here, ``with_token`` of its API.

    Raises:
        BoxError: none is.
    """
    from . import here  # the box's packages, which a dyno has not

    return here.run(["bin/sparkspace", name, *args], with_token=with_token)


def from_the_box(name: str, args: Sequence[str]) -> tuple[int, str]:
    """As ``in_the_box``, but what it prints is not shown: its exit code, and its stdout.

    Raises:
        BoxError: none is.
    """
    from . import here

    return here.capture(["bin/sparkspace", name, *args])
