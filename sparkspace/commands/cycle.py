"""``sparkspace cycle [worker.1 …]``: planned cycling by hand."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from .. import topology
from ..cluster import roles
from ..cluster.report import table
from ..config import new_token, token
from ..cycling import registered, schedule, start
from ..cycling.planner import MOST_ASKED, short_of
from ..cycling.schedule import IDLE, Load
from ..cycling.supervisor import BACK_WITHIN_S, WORKER
from ..cycling.teller import Teller
from ..cycling.turn import Turns, until
from ..cycling.verdict import number
from ..errors import CheckFailed, UsageError
from ..heroku.listed import ListedDyno
from ..log import event, listen
from . import everywhere
from .arguments import Parser, whole
from .question import agreed

DESCRIPTION = """\
Give workers a new dyno without losing anything, one at a time: a worker takes no more work, its executors finish what
they have and hand on their shuffle and cached blocks; then its dyno is restarted, and the next has to wait until it is
back. Without arguments: all workers. It tells what it will do, and asks."""

TOLD_WITHIN_S = 5.0
LOOK = "See what it logs: heroku logs --ps worker"


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Show who will be cycled, ask, and do it. After Ctrl-C no worker is left without work."""
    parser = Parser("cycle", DESCRIPTION)
    parser.add_argument("dyno", nargs="*", help="workers, as worker.2; default: all")
    parser.add_argument(
        "--drain-minutes", type=whole(1), default=60, metavar="N", help="the most that one's work may take; default: 60"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(args)
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args, with_token=True)
    found = turns(env)
    teller = telling(found.place)
    try:
        return cycle(found, options.dyno, options.drain_minutes, options.yes)
    finally:
        teller.close(TOLD_WITHIN_S)


def telling(place: roles.Place) -> Teller:
    """From now on the masters are told of each step, for they count what this dyno would forget."""
    teller = Teller(topology.master_url(place.dyno, place.settings), place.settings.secret, place.dyno.name)
    listen(teller.hear)
    return teller


def turns(env: Mapping[str, str]) -> Turns:
    """What takes turns from this dyno.

    Raises:
        ConfigError: there is no token of the API.
        FirGeneration: the app can't be a cluster at all.
    """
    place, found = roles.Place.from_env(env), token(env)
    if not found:
        raise new_token("must be set: dynos are minded through the API")
    client = start.client(place, found)
    client.refuse_fir()
    return Turns(place, client)


def cycle(turns: Turns, names: Sequence[str], drain_minutes: int, yes: bool) -> int:
    """The exit code.

    Raises:
        UsageError: a name is none of a worker.
        CheckFailed: the cluster is not well enough; nothing, or nothing more, was done.
    """
    workers = listed(turns)
    meant = choice(names, workers)
    found = loads(turns, meant)
    chosen = schedule.least_to_lose(meant, found)
    print(plan(chosen, found, datetime.now(timezone.utc)), flush=True)
    if not chosen or not (yes or agreed(f"Cycle {len(chosen)} of {len(workers)} workers, one at a time?", "--yes")):
        return 0
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)
    for turn in range(1, len(chosen) + 1):
        dyno, *chosen = schedule.least_to_lose(chosen, loads(turns, chosen, MOST_ASKED))
        await_others(turns, dyno, workers)
        event("cycling-turn", dyno=dyno.name, turn=f"{turn}/{turn + len(chosen)}")
        if not turns.worker(dyno, drain_minutes * 60):
            raise CheckFailed(f"{dyno.name} has not come back; {len(chosen)} are left as they are.", LOOK)
    event("cycling-over", reason="done", turns=turn)
    return 0


def listed(turns: Turns) -> list[ListedDyno]:
    """The dynos of the workers, by their numbers."""
    workers = [dyno for dyno in turns.client.listed_dynos() if dyno.type == WORKER]
    return sorted(workers, key=lambda dyno: number(dyno.name))


def loads(turns: Turns, workers: Sequence[ListedDyno], most: int | None = None) -> dict[str, Load]:
    """What each has to lose now; ``most``: see ``Turns.loads``."""
    return {name: Load.of(found) for name, found in turns.loads([dyno.name for dyno in workers], most).items()}


def choice(names: Sequence[str], workers: list[ListedDyno]) -> list[ListedDyno]:
    """The workers that are meant.

    Raises:
        UsageError: there is none of that name.
    """
    there = {dyno.name: dyno for dyno in workers}
    for name in names:
        if name not in there:
            raise UsageError(f"{name!r} is no worker of this app.", f"There are: {', '.join(there) or 'none'}")
    return [there[name] for name in dict.fromkeys(names or there)]


def plan(chosen: list[ListedDyno], loads: Mapping[str, Load], now: datetime) -> str:
    """Who, in which order, how old, and how much runs there."""
    rows = (
        (dyno.name, dyno.state, age(now - dyno.since), str(load.executors), load.since)
        for dyno in chosen
        for load in [loads.get(dyno.name, IDLE)]
    )
    return table(("DYNO", "STATE", "AGE", "EXECUTORS", "OLDEST APPLICATION"), rows)


def age(span: timedelta) -> str:
    """In minutes, and from two hours on in hours."""
    hours = span / timedelta(hours=1)
    return f"{hours:.1f} h" if hours >= 2 else f"{hours * 60:.0f} min"


def await_others(turns: Turns, dyno: ListedDyno, workers: list[ListedDyno]) -> None:
    """Wait until enough other workers are there.

    Raises:
        CheckFailed: they are not, in three minutes.
    """

    def lack() -> str:
        return short_of(registered.names(turns.page(), turns.place.dyno.app_domain), dyno, len(workers))

    if not until(BACK_WITHIN_S, lambda: not lack()):
        raise CheckFailed(f"{dyno.name} can't be spared: {lack().replace('-', ' ')}.", LOOK)
