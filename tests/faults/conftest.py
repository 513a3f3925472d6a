"""One box for all tests that leave it as they found it, and never a second one beside it: these are many JVMs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from ..box.conftest import Box, until
from ..box.cycled import alive, open_box, scale
from ..box.inside import seen


@contextlib.contextmanager
def closing(box: Box) -> Iterator[Box]:
    """Down with it afterwards."""
    try:
        yield box
    finally:
        box("down")


class Shared:
    """A box with a master that recovers, and two workers: there when it is asked for, until another is."""

    def __init__(self, paths: pytest.TempPathFactory) -> None:
        self._paths = paths
        self._box: Box | None = None

    def open(self) -> Box:
        """It, with both workers, and without an application."""
        if self._box is None:
            self._box = open_box(self._paths.mktemp("faults") / "repository")
            scale(self._box, worker=2)
        box = self._box
        until(lambda: len(alive(box)) == 2 and not seen(box)["applications"], 180, 1)
        return box

    def close(self) -> None:
        """Make room for another."""
        if self._box:
            self._box("down")
        self._box = None


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The one of this run."""
    found = Shared(tmp_path_factory)
    yield found
    found.close()


@pytest.fixture
def folder(shared: Shared) -> Box:
    """The box that is shared."""
    return shared.open()


@pytest.fixture(scope="module")
def alone(shared: Shared) -> None:
    """No box is open."""
    shared.close()
