"""The space: which dynos there are to be, and keeping them so. Every change comes through here."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import traceback
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..errors import BoxError, UsageError
from . import vars
from .attachment import CLAIM_WITHIN_S, Attachment
from .dyno import Dyno, Ground, Inside
from .formation import Process
from .sizes import DEFAULT, canonical

ROLLING = 0.25  # of a process type at a time: devcenter.heroku.com/articles/rolling-deploys
STEADY_S = 60.0  # up for this long: the next crash is a first one again
LONGEST_BACKOFF_S = 300.0
BOOT_WITHIN_S = 60.0  # a web dyno that has not bound its port by then is stopped (R10)


@dataclass(frozen=True)
class Release:
    """A change of the app: its code or its config vars."""

    version: int
    description: str
    created_at: datetime


class Space:
    """One app's dynos, config vars and releases."""

    def __init__(self, ground: Ground, formation: Iterable[Process], config: Mapping[str, str]) -> None:
        self.ground = ground
        self.formation = {process.type: process for process in formation}
        self.config = vars.with_access(config, ground.api_token)
        self.releases = [Release(1, "Initial release", datetime.now(timezone.utc))]
        self.dynos: dict[str, Dyno] = {}
        self.attachments: dict[str, tuple[Attachment, Dyno | Inside]] = {}
        self._departing: set[Dyno] = set()  # no longer in their place, but not ended yet
        self._tasks: set[asyncio.Task[object]] = set()
        self._one_offs = 0
        self._changing = asyncio.Lock()
        self._closed = False

    async def open(self) -> None:
        """Start the formation's dynos. The page's come last: it has nothing to show until the others are there."""
        self._fill(sorted(self.formation, key="web".__eq__))

    async def close(self) -> None:
        """Stop every dyno. Afterwards nothing runs."""
        self._closed = True
        last = [*self._departing, *map(self._dismiss, list(self.dynos))]
        await asyncio.gather(*map(self._end, last))
        self.ground.log.close()
        for task in self._tasks:
            task.cancel()

    # The formation

    def scale(self, updates: Iterable[tuple[str, int | None, str | None]]) -> list[Process]:
        """Set quantity and size of process types; all of the updates, or none.

        Raises:
            UsageError: there is no such process type or size, or the quantity is below 0.
        """
        changed = [self._updated(*update) for update in updates]
        for process in changed:
            resized = self.formation[process.type].size != process.size
            self.formation[process.type] = process
            for name in self._names(process.type):
                if int(name.partition(".")[2]) > process.quantity:
                    self._spawn(self._end(self._dismiss(name)))
                elif resized:
                    self.restart([name])
        self._fill(process.type for process in changed)
        return changed

    def _updated(self, type: str, quantity: int | None, size: str | None) -> Process:
        old = self.process(type)
        if quantity is not None and quantity < 0:
            raise UsageError(f"There can't be {quantity} dynos of {type}.", f"Scale it to 0 with: scale {type}=0")
        return replace(
            old,
            quantity=old.quantity if quantity is None else quantity,
            size=old.size if size is None else canonical(size),
        )

    def process(self, type: str) -> Process:
        """A line of the formation.

        Raises:
            UsageError: the Procfile has no such process type.
        """
        if type not in self.formation:
            there = ", ".join(self.formation)
            raise UsageError(f"The Procfile has no process type {type!r}.", f"It has: {there}")
        return self.formation[type]

    def _fill(self, types: Iterable[str]) -> None:
        if self._closed:
            return
        for type in types:
            for number in range(1, self.formation[type].quantity + 1):
                if f"{type}.{number}" not in self.dynos:
                    self._place(f"{type}.{number}")

    def _names(self, type: str) -> list[str]:
        return [name for name in self.dynos if name.partition(".")[0] == type]

    def _place(self, name: str) -> None:
        """Have a dyno of this name at once, and again whenever it ends."""
        self.dynos[name] = self._make(name)
        self._spawn(self._keep(self.dynos[name]))

    def _make(self, name: str) -> Dyno:
        process = self.formation[name.partition(".")[0]]
        return Dyno(self.ground, name, process.command, process.size, self.releases[-1].version)

    async def _keep(self, dyno: Dyno) -> None:
        """Bring a dyno up, and another in its place after each crash, ever later, until it is to leave."""
        crashes = 0
        loop = asyncio.get_running_loop()
        while not dyno.leaving.is_set():
            since = loop.time()
            await self._bring_up(dyno)
            await dyno.exit_code
            if dyno.leaving.is_set():
                return
            dyno.become("crashed")
            crashes = 1 if loop.time() - since >= STEADY_S else crashes + 1
            pause_s = min(2.0 ** (crashes - 1), LONGEST_BACKOFF_S)
            self.ground.log.add("heroku", dyno.name, f"Restarting in {pause_s:g} s (crash {crashes})")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(dyno.leaving.wait(), pause_s)
            if dyno.leaving.is_set() or self.dynos.get(dyno.name) is not dyno:
                return  # somebody else has the place
            dyno = self.dynos[dyno.name] = self._make(dyno.name)

    async def _bring_up(self, dyno: Dyno) -> None:
        try:
            await dyno.start(self.config, {})
        except BoxError as error:
            self.ground.log.add("heroku", dyno.name, error.message)
            return
        if dyno.process_type != "web":
            dyno.become("up")
        elif await bound(dyno, 5000):
            dyno.become("up")
        elif not dyno.exit_code.done():
            text = f"Error R10 (Boot timeout) -> Web process failed to bind to $PORT within {BOOT_WITHIN_S:g} seconds"
            self.ground.log.add("heroku", dyno.name, text)
            dyno.kill()

    def restart(self, names: Iterable[str]) -> None:
        """As Heroku does it: the new dyno starts at the moment at which the old one gets its SIGTERM."""
        for name in list(names):
            old = self.dynos[name]
            if old.process_type not in self.formation:
                self._spawn(self._end(self._dismiss(name)))
                continue
            old.leaving.set()  # before the new one starts: the old one's end is no crash
            self._place(name)
            self._spawn(self._end(old))

    async def stop(self, names: Iterable[str]) -> None:
        """Stop dynos. Those of the formation are replaced once they are gone, as in a Private Space."""
        await asyncio.gather(*[self._end(self._dismiss(name)) for name in names])
        self._fill(self.formation)

    def _dismiss(self, name: str) -> Dyno:
        """Give up a place, at once. The dyno that had it has still to be ended."""
        dyno = self.dynos.pop(name)
        dyno.leaving.set()
        self._departing.add(dyno)
        return dyno

    async def _end(self, dyno: Dyno) -> None:
        dyno.leaving.set()
        self._departing.add(dyno)
        await dyno.stop()
        dyno.become("down")
        self._departing.discard(dyno)

    def find(self, name_or_id: str) -> Dyno:
        """A dyno by its name or id.

        Raises:
            KeyError: there is none.
        """
        for dyno in self.dynos.values():
            if name_or_id in (dyno.name, dyno.id):
                return dyno
        raise KeyError(name_or_id)

    # Config vars and releases

    async def configure(self, changes: Mapping[str, str | None]) -> Release:
        """Set and remove (None) config vars: one new release, for which every dyno is restarted, a quarter at a time.

        Raises:
            ConfigError: a name or value is refused; nothing has changed.
        """
        config = {**self.config, **{name: value for name, value in changes.items() if value is not None}}
        for name in (name for name, value in changes.items() if value is None):
            config.pop(name, None)
        vars.check(config)
        config = vars.with_access(config, self.ground.api_token)
        if config == self.config:
            return self.releases[-1]
        self.config = config
        verb = "Remove" if all(value is None for value in changes.values()) else "Set"
        self.releases.append(
            Release(
                self.releases[-1].version + 1, f"{verb} {', '.join(changes)} config vars", datetime.now(timezone.utc)
            )
        )
        self.ground.log.add("app", "api", f"Release v{self.releases[-1].version}: {self.releases[-1].description}")
        self._spawn(self._roll())
        return self.releases[-1]

    async def _roll(self) -> None:
        """Restart what an older release runs, a quarter of each process type at a time; one roll after the other."""
        async with self._changing:
            for type in self.formation:
                names = [name for name in self._names(type) if self.dynos[name].release < self.releases[-1].version]
                at_once = math.ceil(len(names) * ROLLING)
                for start in range(0, len(names), max(at_once, 1)):
                    batch = [name for name in names[start : start + at_once] if name in self.dynos]
                    self.restart(batch)
                    await self._settled(batch)

    async def _settled(self, names: Iterable[str]) -> None:
        """Wait until none of these is starting; one that crashes does not hold up the release."""
        while any(name in self.dynos and self.dynos[name].state == "starting" for name in names):
            await asyncio.sleep(0.05)

    # One-off dynos

    async def run(
        self, command: str, size: str | None, extra: Mapping[str, str], attachment: Attachment | None, type: str = "run"
    ) -> tuple[Dyno, str]:
        """Start a one-off dyno. Attached, its streams wait in ``attachments`` for their owner; else it logs.

        Returns the dyno and the key of its attachment (empty: none).

        Raises:
            BoxError: it can't be started.
            UsageError: there is no such size.
        """
        with attaching(attachment):
            if self._closed:
                raise BoxError("The box is closing.")
            self._one_offs += 1
            name = f"{type}.{self._one_offs}"
            dyno = Dyno(self.ground, name, command, canonical(size or DEFAULT), self.releases[-1].version)
            self.dynos[name] = dyno
            self._spawn(self._forget(dyno))
            await dyno.start(self.config, extra, attachment.streams if attachment else None)
        dyno.become("up")
        return dyno, self._attach(attachment, dyno) if attachment else ""

    async def run_inside(self, dyno: Dyno, command: str, extra: Mapping[str, str], attachment: Attachment) -> str:
        """Run a command inside a dyno. Returns the key of its attachment.

        Raises:
            BoxError: it can't be run.
        """
        with attaching(attachment):
            inside = await dyno.run_inside(command, self.config, extra, attachment.streams)
        return self._attach(attachment, inside)

    def _attach(self, attachment: Attachment, command: Dyno | Inside) -> str:
        key = secrets.token_urlsafe(16)
        self.attachments[key] = (attachment, command)
        self._spawn(self._expire(key))
        return key

    async def _expire(self, key: str) -> None:
        """A client that never comes for its command must not leave it behind."""
        await asyncio.sleep(CLAIM_WITHIN_S)
        attachment, command = self.attachments.pop(key, (None, None))
        if attachment and command:
            command.kill()
            attachment.close()

    async def _forget(self, dyno: Dyno) -> None:
        code = await dyno.exit_code
        dyno.become("crashed" if code else "down")
        if self.dynos.get(dyno.name) is dyno:
            del self.dynos[dyno.name]

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[object]) -> None:
        """A task that failed is a bug of ours: its traceback goes to the box's own log."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            traceback.print_exception(error)


@contextlib.contextmanager
def attaching(attachment: Attachment | None) -> Iterator[None]:
    """The command has its own copies of the streams, or will never have any: close ours, and all if it failed."""
    try:
        yield
    except BaseException:
        if attachment:
            attachment.close()
        raise
    finally:
        if attachment:
            attachment.streams.close()


async def bound(dyno: Dyno, port: int) -> bool:
    """Wait until something listens on the dyno's port; False when the time is up or the dyno has ended."""
    end = asyncio.get_running_loop().time() + BOOT_WITHIN_S
    while asyncio.get_running_loop().time() < end:
        if dyno.exit_code.done():
            return False
        # A dyno whose network has just gone answers nothing: the kernel itself would wait for two minutes.
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            _, writer = await asyncio.wait_for(asyncio.open_connection(dyno.address, port), 1.0)
            writer.close()
            return True
        await asyncio.sleep(0.1)
    return False
