"""What the API lists, as values: dynos, and where a space has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from .refusals import BadAnswer

T = TypeVar("T")


@dataclass(frozen=True)
class ListedDyno:
    """A dyno as the API lists it. ``state`` is free text: starting, up, crashed, down, idle, or what comes next."""

    id: str  # another one after every restart
    name: str
    type: str
    state: str
    created_at: datetime
    since: datetime  # when it got into this state, or when it was made: the later of both


@dataclass(frozen=True)
class Spot:
    """Where a dyno of a space is."""

    hostname: str  # 2.worker.myapp.app.localspace
    private_ip: str
    process_type: str


def dynos(answer: object) -> list[ListedDyno]:
    """The answer to ``GET /apps/{app}/dynos``.

    Raises:
        BadAnswer: it is not of that shape.
    """
    return _parsed("dynos", lambda: [_dyno(each) for each in _list(answer)])


def spots(answer: object) -> list[Spot]:
    """The answer to ``GET /spaces/{space}/topology``.

    The schema says ``formation``, Heroku's own command reads ``formations`` (heroku/cli,
    src/commands/spaces/topology.ts): either is taken.

    Raises:
        BadAnswer: it is not of that shape.
    """
    return _parsed("the topology of a space", lambda: [spot for app in _apps(answer) for spot in _spots(app)])


def size(line: dict[str, Any]) -> str:
    """The size of a line of the formation: ``dyno_size``, or ``size``, which is older."""
    named = line.get("dyno_size")
    return str(named["name"] if isinstance(named, dict) and "name" in named else line.get("size", ""))


def moment(text: str) -> datetime:
    """A time of the API, as ``2026-01-02T03:04:05Z``.

    Raises:
        ValueError: it is none.
    """
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _dyno(fields: dict[str, Any]) -> ListedDyno:
    created_at = moment(fields["created_at"])
    id, name, type, state = (_text(fields[key]) for key in ("id", "name", "type", "state"))
    return ListedDyno(id, name, type, state, created_at, max(created_at, moment(fields["updated_at"])))


def _apps(answer: Any) -> list[Any]:  # noqa: ANN401
    return _list(answer["apps"])


def _spots(app: dict[str, Any]) -> list[Spot]:
    lines = app["formation"] if "formation" in app else app["formations"]
    return [
        Spot(_text(dyno["hostname"]), _text(dyno["private_ip"]), _text(line["process_type"]))
        for line in _list(lines)
        for dyno in _list(line["dynos"])
    ]


def _list(found: object) -> list[Any]:
    if not isinstance(found, list):
        raise TypeError(found)
    return found


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(found)
    return found


def _parsed(what: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        pass
    raise BadAnswer(f"The API's answer is not a list of {what} as Heroku's schema has it.")
