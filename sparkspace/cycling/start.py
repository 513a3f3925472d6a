"""Starts what goes on beside a master: graceful cycling, then the planned one; and scaling."""

from __future__ import annotations

import signal
import threading
from datetime import datetime, timezone

from ..cluster.roles import Place
from ..config import TOKEN, Cycling, token
from ..heroku.client import Client, api_url
from ..log import event
from . import companion
from .autoscaler import Autoscaler
from .planner import Planner
from .supervisor import Supervisor
from .turn import Turns

CALL_WITHIN_S = 120.0
LIFE_S = 6 * 3600  # a hundred workers, one after the other, none of which comes back


def beside_master(place: Place) -> None:
    """Begin it in a child of the launcher, which is about to become the master."""
    since = datetime.now(timezone.utc)
    access = token(place.env)
    if not access:
        event("scaling", state="off", warning="there-is-no-token", set=TOKEN)
        return
    cycling = place.settings.cycling
    for_ever = place.settings.scaling or (cycling and cycling.lifetime)
    companion.beside(lambda: _work(place, access, since), 0 if for_ever else LIFE_S)


def client(place: Place, token: str) -> Client:
    """A client of the Platform API for the app of this dyno."""
    return Client(api_url(place.env), token, place.dyno.app_name, within_s=CALL_WITHIN_S)


def _work(place: Place, access: str, since: datetime) -> None:
    """Scaling has a thread of its own: one takes a worker away only while the other does not."""
    turn = threading.Lock()
    if rule := place.settings.scaling:
        scaler = Autoscaler(Turns(place, client(place, access)), rule, turn)
        threading.Thread(target=scaler.run, daemon=True).start()
    if cycling := place.settings.cycling:
        _cycle(Turns(place, client(place, access)), cycling, since, turn)
    while rule:
        signal.pause()  # the thread goes on


def _cycle(turns: Turns, cycling: Cycling, since: datetime, turn: threading.Lock) -> None:
    Supervisor(turns.place.dyno, turns.place.settings, cycling, turns.client, since).run()
    if cycling.lifetime:
        Planner(turns, cycling.lifetime, turn).run()
