"""Which workers to restart after a master's start, and why not the others. Nothing here asks or acts.

Nothing is remembered between two masters. That a master which crashes again and again does not restart workers again
and again follows from what a dyno's own times say: a restart makes a new dyno, and young ones are left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..heroku.listed import ListedDyno


@dataclass(frozen=True)
class Rule:
    """What the operator wants, and since when there is this master."""

    everybody: bool
    least_age: timedelta
    master_since: datetime


@dataclass(frozen=True)
class Verdict:
    """A worker's dyno, and why it is to be restarted (``act``) or left."""

    dyno: ListedDyno
    act: bool
    reason: str


def verdicts(workers: Iterable[ListedDyno], registered: Collection[str], rule: Rule, now: datetime) -> list[Verdict]:
    """One for each worker that is not ``registered`` (names of dynos), or for each at all; in the order of numbers."""
    concerned = [dyno for dyno in workers if rule.everybody or dyno.name not in registered]
    return [_verdict(dyno, rule, now) for dyno in sorted(concerned, key=lambda dyno: number(dyno.name))]


def _verdict(dyno: ListedDyno, rule: Rule, now: datetime) -> Verdict:
    if dyno.state != "up":
        return Verdict(dyno, False, f"is-{dyno.state}")  # the platform is at it already
    if dyno.since >= rule.master_since:
        return Verdict(dyno, False, "younger-than-the-master")
    if now - dyno.since < rule.least_age:
        return Verdict(dyno, False, f"younger-than-{rule.least_age / timedelta(minutes=1):g}-minutes")
    return Verdict(dyno, True, "all" if rule.everybody else "did-not-register")


def number(name: str) -> int:
    """2 of ``worker.2``; 0 if it has none."""
    text = name.rpartition(".")[2]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
