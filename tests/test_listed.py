"""What the API lists: both of its spellings, and what is not of its shape."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from sparkspace.heroku import listed
from sparkspace.heroku.listed import ListedDyno, Spot
from sparkspace.heroku.refusals import BadAnswer

DYNO = {
    "id": "01234567-89ab-cdef-0123-456789abcdef",
    "name": "worker.1",
    "type": "worker",
    "state": "up",
    "created_at": "2026-01-01T12:00:00Z",
    "updated_at": "2026-01-01T12:00:09+00:00",
    "size": "Private-L",
}
SPOT = {"hostname": "1.worker.my-app.app.localspace", "private_ip": "10.1.2.3", "number": 1}


def test_dyno_is_in_its_state_since_the_later_of_both_times() -> None:
    made = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    later = datetime(2026, 1, 1, 12, 0, 9, tzinfo=timezone.utc)
    assert listed.dynos([DYNO]) == [ListedDyno(DYNO["id"], "worker.1", "worker", "up", made, later)]
    (made_later,) = listed.dynos([{**DYNO, "created_at": "2026-01-02T00:00:00"}])
    assert made_later.since == datetime(2026, 1, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "answer",
    [
        None, {}, "x", [None], ["x"], [[]], [{}], [{**DYNO, "id": None}], [{**DYNO, "name": 7}],
        [{**DYNO, "created_at": "yesterday"}], [{**DYNO, "updated_at": None}], [{**DYNO, "state": {}}],
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_list_of_dynos(answer: object) -> None:
    with pytest.raises(BadAnswer, match="not a list of dynos"):
        listed.dynos(answer)


@pytest.mark.parametrize("key", ["formation", "formations"])
def test_topology_is_read_in_either_spelling(key: str) -> None:
    answer = {"version": 1, "apps": [{"id": "x", key: [{"process_type": "worker", "dynos": [SPOT]}]}]}
    assert listed.spots(answer) == [Spot("1.worker.my-app.app.localspace", "10.1.2.3", "worker")]


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"apps": {}}, {"apps": [{}]}, {"apps": [{"formation": None}]}, {"apps": [{"formation": [{"dynos": 1}]}]},
     {"apps": [{"formation": [{"process_type": "worker", "dynos": [{}]}]}]}],
    ids=str,
)  # fmt: skip
def test_what_is_no_topology(answer: object) -> None:
    with pytest.raises(BadAnswer, match="not a list of the topology of a space"):
        listed.spots(answer)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ({"size": "Private-L"}, "Private-L"),
        ({"dyno_size": {"name": "Private-M"}, "size": "old"}, "Private-M"),
        ({"dyno_size": None, "size": "Private-S"}, "Private-S"),
        ({}, ""),
    ],
)
def test_size_comes_either_way(line: dict[str, object], size: str) -> None:
    assert listed.size(line) == size
