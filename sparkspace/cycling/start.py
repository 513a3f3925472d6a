"""Starts graceful cycling beside a master."""

from __future__ import annotations

from datetime import datetime, timezone

from ..cluster.roles import Place
from ..config import Cycling
from ..heroku.client import Client, api_url
from . import companion
from .supervisor import Supervisor

CALL_WITHIN_S = 120.0
LIFE_S = 6 * 3600  # a hundred workers, one after the other, none of which comes back


def beside_master(place: Place, cycling: Cycling) -> None:
    """Begin it in a child of the launcher, which is about to become the master."""
    since = datetime.now(timezone.utc)
    companion.beside(lambda: _supervisor(place, cycling, since).run(), LIFE_S)


def _supervisor(place: Place, cycling: Cycling, since: datetime) -> Supervisor:
    client = Client(api_url(place.env), cycling.token, place.dyno.app_name, within_s=CALL_WITHIN_S)
    return Supervisor(place.dyno, place.settings, cycling, client, since)
