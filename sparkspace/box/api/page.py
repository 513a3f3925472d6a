"""Lists, a page at a time: ``Range: version ..; order=desc, max=10`` asks, 206 and ``Next-Range`` answer.

Source: devcenter.heroku.com/articles/platform-api-reference#ranges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from ..schema import Json
from .refusal import Refusal

USUAL, MOST = 200, 1000  # items of a page
FORM = re.compile(
    r"\s*(?P<by>\w+)\s+(?P<after>\]?)(?P<start>[^.;,\s]*)\.\.[^;]*(;(?P<options>.*))?", re.ASCII | re.DOTALL
)


@dataclass(frozen=True)
class Range:
    """Which items, and in which order."""

    by: str
    start: str  # empty: from the first
    after: bool  # not ``start`` itself
    most: int
    descending: bool

    def __str__(self) -> str:
        order = ", order=desc" if self.descending else ""
        return f"{self.by} {']' if self.after else ''}{self.start}..; max={self.most}{order}"


def parse(text: str) -> Range:
    """A Range header.

    Raises:
        Refusal: it has another form.
    """
    match = FORM.fullmatch(text)
    if not match:
        raise Refusal(416, "requested_range_not_satisfiable", f"{text!r} is not a range: write it like id ..; max=10")
    options = match["options"] or ""
    most = re.search(r"\bmax\s*=\s*(\d{1,9})\b", options, re.ASCII)
    return Range(
        match["by"],
        match["start"],
        bool(match["after"]),
        max(1, min(int(most[1]) if most else USUAL, MOST)),
        bool(re.search(r"\border\s*=\s*desc\b", options)),
    )


def cut(items: list[Json], range: Range) -> tuple[list[Json], Range | None]:
    """The items of a page, and where the next one begins, if there is one.

    Raises:
        Refusal: items can't be put in order by that.
    """
    if items and not isinstance(items[0].get(range.by), (str, int)):
        raise Refusal(416, "requested_range_not_satisfiable", f"This list can't be ordered by {range.by!r}.")
    ordered = sorted(items, key=lambda item: item[range.by], reverse=range.descending)
    left = [item for item in ordered if _is_in(item[range.by], range)]
    page = left[: range.most]
    if len(page) == len(left):
        return page, None
    return page, Range(range.by, str(page[-1][range.by]), True, range.most, range.descending)


def _is_in(value: str | int, range: Range) -> bool:
    """Whether an item with this value is not before the range's start."""
    if not range.start:
        return True
    start: str | int = range.start
    if isinstance(value, int):
        start = int(range.start) if re.fullmatch(r"\d{1,18}", range.start, re.ASCII) else 0
    if value == start:
        return not range.after
    return (value < start) is range.descending  # type: ignore[operator]  # both are text, or both numbers


def answer(request: web.Request, items: list[Json]) -> web.Response:
    """A list as it is, or the page of it that the request asks for."""
    wish = request.headers.get("Range")
    if wish is None and len(items) <= USUAL:
        return web.json_response(items)
    page, following = cut(items, parse(wish or "id .."))
    headers = {"Next-Range": str(following)} if following else {}
    return web.json_response(page, status=206 if following else 200, headers=headers)
