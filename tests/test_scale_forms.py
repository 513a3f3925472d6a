"""The arguments of ``scale``: the forms of ``heroku ps:scale``."""

from __future__ import annotations

from typing import Any

import pytest

from sparkspace.commands.scale import update
from sparkspace.errors import UsageError


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("worker=3", {"type": "worker", "quantity": 3}),
        ("worker=0", {"type": "worker", "quantity": 0}),
        ("worker+1", {"type": "worker", "quantity": "+1"}),
        ("worker-2", {"type": "worker", "quantity": "-2"}),
        ("spark-worker-2=4", {"type": "spark-worker-2", "quantity": 4}),
        ("spark-worker-2-4", {"type": "spark-worker-2", "quantity": "-4"}),
        ("worker=2:Private-L", {"type": "worker", "quantity": 2, "dyno_size": {"name": "Private-L"}}),
        ("worker+2:private-l-ram", {"type": "worker", "quantity": "+2", "dyno_size": {"name": "private-l-ram"}}),
        ("worker-1:2X", {"type": "worker", "quantity": "-1", "dyno_size": {"name": "2X"}}),
    ],
)
def test_taken(change: str, meant: dict[str, Any]) -> None:
    assert update(change) == meant


@pytest.mark.parametrize(
    "change",
    ["", "worker", "worker=", "=3", "worker=x", "worker=-1", "worker==3", "worker=1.5", "worker=3:", "worker:Private-L",
     "worker=3:Private L", "worker=3 ", "worker=٣", "worker+", "worker=3=4", "worker-"],
)  # fmt: skip
def test_refused(change: str) -> None:
    with pytest.raises(UsageError) as caught:
        update(change)
    assert caught.value.message == f"{change!r} is not a change of the formation."
    assert caught.value.cure == "Write it like: worker=3, worker+1, worker=2:Private-L"
