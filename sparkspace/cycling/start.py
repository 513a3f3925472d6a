"""Starts graceful cycling beside a master."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from ..cluster.roles import Place
from ..config import Cycling
from ..heroku.client import Client, api_url
from . import companion
from .supervisor import Supervisor

CALL_WITHIN_S = 120.0
LIFE_S = 4 * 3600  # a hundred workers, one after the other, with a wait of two minutes each


def beside_master(place: Place) -> None:
    """If cycling is on, begin it in a child; without it there is none, and the launcher execs alone."""
    cycling = place.settings.cycling
    if cycling is None:
        return
    since = datetime.now(timezone.utc)
    companion.beside(lambda: _supervisor(place, cycling, place.env, since).run(), LIFE_S)


def _supervisor(place: Place, cycling: Cycling, env: Mapping[str, str], since: datetime) -> Supervisor:
    client = Client(api_url(env), cycling.token, place.dyno.app_name, within_s=CALL_WITHIN_S)
    return Supervisor(place.dyno, place.settings, cycling, client, since)
