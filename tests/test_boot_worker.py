"""A Python worker's view of its own modules (``sparkspace/code/boot/worker.py``), without Spark."""

from __future__ import annotations

import sys
import types

import pytest

from sparkspace.code.boot.tasks import Other
from sparkspace.code.boot.worker import Worker


@pytest.mark.parametrize("file", ["/elsewhere/fares.py", "/home-of-others/fares.py"])
def test_a_module_from_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    module = types.ModuleType("fares")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "fares", module)
    worker = Worker()
    worker.units, worker.home, worker.digest = frozenset({"fares"}), "/home", "abc"
    with pytest.raises(Other, match=f"fares should come from version abc, but it was imported from {file}"):
        worker.refuse_others()
    worker.units = frozenset({"other"})
    worker.refuse_others()
