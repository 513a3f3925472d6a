"""``sparkspace autoscale --dry-run``: what scaling would do."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone

from ..cluster.report import table
from ..config import Scaling
from ..cycling.autoscaler import LOOK_EVERY_S, Autoscaler
from ..cycling.scaling import Decision, Scaler, Scene
from ..cycling.turn import Turns
from ..errors import ConfigError, MasterUnreachable, UsageError
from . import everywhere
from .arguments import Parser, whole
from .cycle import turns

DESCRIPTION = """\
Show how the number of worker dynos would follow the work, and change nothing. (What does change it is beside the master
that leads, when SPARKSPACE_WORKERS_MAX is set.) It looks every 15 seconds, until Ctrl-C."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Look, and print what would be done. Ctrl-C ends it."""
    parser = Parser("autoscale", DESCRIPTION)
    parser.add_argument("--dry-run", action="store_true", help="must be given: nothing else can be done here")
    parser.add_argument("--max", type=whole(1), metavar="N", help="try this in place of SPARKSPACE_WORKERS_MAX")
    parser.add_argument("--min", type=whole(0), metavar="N", help="try this in place of SPARKSPACE_WORKERS_MIN")
    parser.add_argument("--looks", type=whole(1), metavar="N", help="end after so many")
    options = parser.parse_args(args)
    if not options.dry_run:
        raise UsageError(
            "Scaling is done beside the master, by itself.", "To see what it would do: autoscale --dry-run"
        )
    if not everywhere.on_a_dyno(env):
        return everywhere.in_the_box(name, args, with_token=True)
    found = turns(env)
    watch(found, rule(found.place.settings.scaling, options.min, options.max), options.looks or 0)
    return 0


def rule(configured: Scaling | None, least: int | None, most: int | None) -> Scaling:
    """The operator's limits, or those to try.

    Raises:
        ConfigError: nobody has said how many there may be.
        UsageError: more at least than at most.
    """
    if most is None and configured is None:
        raise ConfigError("SPARKSPACE_WORKERS_MAX", "must be set, or tried with --max", "", "4")
    base = configured or Scaling(1, most or 1, 10, None)
    found = Scaling(
        base.least if least is None else least,
        base.most if most is None else most,
        base.idle_minutes,
        base.dyno_hours_per_day,
    )
    if found.least > found.most:
        raise UsageError(f"{found.least} at least are more than {found.most} at most.", "--min N --max N")
    return found


def watch(turns: Turns, rule: Scaling, looks: int) -> None:
    """Look, again and again (0: for ever).

    Raises:
        ApiError: the API refused, or failed.
        MasterUnreachable: no master leads.
    """
    scaler, eyes = Scaler(rule), Autoscaler(turns, rule, threading.Lock())
    look = 0
    while True:
        page = turns.page()
        if not page:
            raise MasterUnreachable("No master leads now.", "See why: heroku logs --ps master")
        scene = eyes.scene(page)
        if not look:
            print(said(scene), end="\n\n")
        print(told(scene, scaler.decide(scene)), flush=True)
        look += 1
        if look == looks:
            return
        time.sleep(LOOK_EVERY_S)


def said(scene: Scene) -> str:
    """The workers, and what applications ask for and have not got."""
    nodes = [
        (f"worker.{node.number}", f"{node.free.cores} of {node.offers.cores}", node.keeps or "–")
        for node in scene.nodes
    ]
    wishes = [
        (wish.application, str(wish.executors), str(wish.each.cores), f"{wish.each.memory_mb} MB")
        for wish in scene.wishes
    ]
    parts = [
        table(("WORKER", "FREE CORES", "MAY NOT GO"), nodes),
        table(("APPLICATION", "WAITS FOR EXECUTORS", "CORES EACH", "MEMORY EACH"), wishes),
    ]
    return "\n\n".join(parts)


def told(scene: Scene, decision: Decision) -> str:
    """One look as a line."""
    at = datetime.now(timezone.utc).strftime("%H:%M:%S")
    what = f"would scale {scene.quantity} → {decision.quantity}" if decision.is_change else f"{scene.quantity} stay"
    return f"{at}  {what}  {decision.reason}"
