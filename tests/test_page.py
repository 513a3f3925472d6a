"""Lists by pages: the forms of Range that clients send, and a walk from page to page."""

from __future__ import annotations

import pytest

from sparkspace.box.api.page import Range, cut, parse
from sparkspace.box.api.refusal import Refusal

ITEMS = [{"id": f"{(7 * n) % 10}", "version": n, "app": {}} for n in range(1, 11)]


@pytest.mark.parametrize(
    ("text", "range"),
    [
        ("version ..; max=1, order=desc", Range("version", "", False, 1, True)),  # heroku ps:wait
        ("version ..; order=desc,max=10", Range("version", "", False, 10, True)),  # heroku config:set
        ("version ..; order=desc,max=1;", Range("version", "", False, 1, True)),  # heroku3
        ("id ..;  max=5;", Range("id", "", False, 5, False)),
        ("id ..", Range("id", "", False, 200, False)),
        ("id ]abc-1..; max=1000", Range("id", "abc-1", True, 1000, False)),
        ("id abc..zzz; max=99999", Range("id", "abc", False, 1000, False)),
        ("id ..; max=0", Range("id", "", False, 1, False)),
    ],
)
def test_forms_of_range(text: str, range: Range) -> None:
    assert parse(text) == range
    assert parse(str(range)) == range


@pytest.mark.parametrize("text", ["", "id", "..", "id ab", "id a b..", "é .."])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        parse(text)
    assert (refusal.value.status, refusal.value.id) == (416, "requested_range_not_satisfiable")


@pytest.mark.parametrize("by", ["app", "nothing"])
def test_order_by_what_has_none_is_refused(by: str) -> None:
    with pytest.raises(Refusal):
        cut(ITEMS, parse(f"{by} .."))
    assert cut([], parse(f"{by} ..")) == ([], None)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("by", ["id", "version"])
@pytest.mark.parametrize("most", [1, 3, 5, 10, 11])
def test_walk_meets_every_item_once_and_in_order(by: str, order: str, most: int) -> None:
    met = []
    following: Range | None = parse(f"{by} ..; max={most}, order={order}")
    while following:
        page, following = cut(ITEMS, parse(str(following)))
        assert 0 < len(page) <= most
        met += [item[by] for item in page]
    assert met == sorted((item[by] for item in ITEMS), reverse=order == "desc")
    assert len(set(met)) == len(ITEMS)


def test_start_is_met_unless_it_is_left_out() -> None:
    assert [item["version"] for item in cut(ITEMS, parse("version 9.."))[0]] == [9, 10]
    assert [item["version"] for item in cut(ITEMS, parse("version ]9.."))[0]] == [10]
    assert [item["version"] for item in cut(ITEMS, parse("version 2..; order=desc"))[0]] == [2, 1]
