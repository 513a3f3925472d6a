"""Starts what goes on beside a master: the tally; graceful cycling, then the planned one; and scaling."""

from __future__ import annotations

import signal
import threading
from datetime import datetime

from ..cluster import tally
from ..cluster.roles import Place
from ..config import TOKEN, Cycling, token
from ..heroku.client import Client, api_url
from ..log import event, listen
from .autoscaler import Autoscaler
from .counts import Counts
from .planner import Planner
from .supervisor import Supervisor
from .tally import Tally
from .turn import Turns

CALL_WITHIN_S = 120.0


def beside_master(place: Place, since: datetime) -> None:
    """Do it, for as long as this process is there. ``since``: when the master's launcher ran."""
    access = token(place.env)
    if place.settings.scaling and not access:
        event("scaling", state="off", warning="there-is-no-token", set=TOKEN)
    _work(place, access, since)


def client(place: Place, token: str) -> Client:
    """A client of the Platform API for the app of this dyno."""
    return Client(api_url(place.env), token, place.dyno.app_name, within_s=CALL_WITHIN_S)


def _work(place: Place, access: str, since: datetime) -> None:
    """Scaling has a thread of its own: one takes a worker away only while the other does not."""
    _count(place)
    turn = threading.Lock()
    if access and (rule := place.settings.scaling):
        scaler = Autoscaler(Turns(place, client(place, access)), rule, turn)
        threading.Thread(target=scaler.run, daemon=True).start()
    if cycling := place.settings.cycling:
        _cycle(Turns(place, client(place, access)), cycling, since, turn)
    while True:
        signal.pause()  # the threads go on


def _count(place: Place) -> None:
    counts = Counts()
    listen(counts.hear)
    Tally(counts, tally.key(place.settings.secret)).begin(place.dyno.private_ip)


def _cycle(turns: Turns, cycling: Cycling, since: datetime, turn: threading.Lock) -> None:
    Supervisor(turns.place.dyno, turns.place.settings, cycling, turns.client, since).run()
    if cycling.lifetime:
        Planner(turns, cycling.lifetime, turn).run()
