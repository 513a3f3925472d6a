"""Starts cycling beside a master: first the graceful one, then, for as long as the master lives, the planned one."""

from __future__ import annotations

from datetime import datetime, timezone

from ..cluster.roles import Place
from ..config import Cycling
from ..heroku.client import Client, api_url
from . import companion
from .planner import Planner
from .supervisor import Supervisor
from .turn import Turns

CALL_WITHIN_S = 120.0
LIFE_S = 6 * 3600  # a hundred workers, one after the other, none of which comes back


def beside_master(place: Place, cycling: Cycling) -> None:
    """Begin it in a child of the launcher, which is about to become the master."""
    since = datetime.now(timezone.utc)
    companion.beside(lambda: _cycle(place, cycling, since), 0 if cycling.lifetime else LIFE_S)


def client(place: Place, token: str) -> Client:
    """A client of the Platform API for the app of this dyno."""
    return Client(api_url(place.env), token, place.dyno.app_name, within_s=CALL_WITHIN_S)


def _cycle(place: Place, cycling: Cycling, since: datetime) -> None:
    api = client(place, cycling.token)
    Supervisor(place.dyno, place.settings, cycling, api, since).run()
    if cycling.lifetime:
        Planner(Turns(place, api), cycling.lifetime).run()
