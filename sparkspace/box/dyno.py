"""One dyno of the box: a process with its own address, environment and disk, from its birth to its end.

A dyno that is restarted is another ``Dyno`` with the same name, as on Heroku: for a moment both exist.
"""

from __future__ import annotations

import asyncio
import functools
import shutil
import signal
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import BoxError
from . import disk
from .limits import Limits
from .line import LENT, Line, Streams, first_child, lent_shim, own_shim, spawn
from .logs import Log
from .names import Names
from .network import Network
from .sizes import MEMORY_MB

PASSWD = "root:x:0:0:dyno:/app:/bin/bash\n"  # Java takes a user's home from here, not from HOME
LAST_WORDS_WITHIN_S = 2.0
GRACE_S = 30.0  # from SIGTERM to SIGKILL: devcenter.heroku.com/articles/dyno-shutdown-behavior
# One at a time: threads that copy many small files wait for each other at every call, and four take longer than one.
DISKS = ThreadPoolExecutor(1, "disks")


@dataclass(frozen=True)
class Ground:
    """What all dynos of a box stand on."""

    app: str
    source: Path  # the app's files on the machine; each dyno gets a copy
    is_slug: bool  # they were built: dynos use nothing else of this machine but its base system
    folder: Path  # the box's own, below which the dynos' are
    network: Network
    names: Names
    limits: Limits
    log: Log
    visible: tuple[str, ...]  # folders of the machine that every dyno sees, even below /tmp
    path: str  # PATH of every dyno
    api_url: str  # where dynos reach the API
    api_token: str = field(repr=False)  # lets them in
    java_home: str  # empty in a slug, which brings its own


class Dyno:
    """A dyno. ``state`` is one of Heroku's: starting, up, crashed, down."""

    def __init__(self, ground: Ground, name: str, command: str, size: str, release: int) -> None:
        self.id = str(uuid.uuid4())
        self.ground = ground
        self.name = name
        self.command = command
        self.size = size
        self.release = release
        self.state = "starting"
        self.created_at = self.updated_at = datetime.now(timezone.utc)
        self.address = ground.network.address()
        self.pid = 0  # of the shim; in namespaces, the unshare before it
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.insides: set[Inside] = set()
        self.leaving = asyncio.Event()  # it is to go, and nothing is to take its place when it ends
        self.folder = ground.folder / "dynos" / f"{name}-{self.id[:8]}"
        self._line: Line | None = None
        self._life: asyncio.Task[None] | None = None
        self._copying: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()  # its start is over, well or ill: only then can it be signalled

    @property
    def process_type(self) -> str:
        """``worker`` of ``worker.1``."""
        return self.name.partition(".")[0]

    def become(self, state: str) -> None:
        """Change the state, and say so in the log."""
        if state != self.state:
            self.ground.log.add("heroku", self.name, f"State changed from {self.state} to {state}")
            self.state = state
            self.updated_at = datetime.now(timezone.utc)

    def environment(self, config: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
        """All that the dyno's processes see: the platform's facts, the config vars, and nothing of this machine's."""
        ground = self.ground
        home = "/app" if ground.network.kind == "namespaces" else str(self.folder / "app")
        own_disk = {} if home == "/app" else {"TMPDIR": str(self.folder / "tmp"), "DYNO_RAM": str(MEMORY_MB[self.size])}
        port = {"PORT": "5000"} if self.process_type == "web" else {}
        return {
            "LANG": "C.UTF-8",
            **({"PATH": ground.path} if ground.is_slug else self._machines_own(home)),
            **config,
            **ground.network.environment(),
            **own_disk,
            **port,
            **extra,
            "HOME": home,
            "DYNO": self.name,
            "HEROKU_HOST": ground.api_url,
            "HEROKU_PRIVATE_IP": self.address,
            "HEROKU_DNS_APP_NAME": ground.names.domain,
            "HEROKU_DNS_DYNO_NAME": ground.names.of(self.name),
            "HEROKU_DNS_FORMATION_NAME": ground.names.of(self.name).partition(".")[2],
        }

    def _machines_own(self, home: str) -> dict[str, str]:
        return {"PATH": f"{home}/bin:{self.ground.path}", "JAVA_HOME": self.ground.java_home}

    async def start(self, config: Mapping[str, str], extra: Mapping[str, str], streams: Streams | None = None) -> None:
        """Make the dyno and run its command. Without ``streams`` its output goes to the log.

        Raises:
            BoxError: it can't be made; nothing of it is left.
        """
        ground = self.ground
        ground.log.add("heroku", self.name, f"Starting process with command `{self.command}`")
        try:
            make = functools.partial(disk.make, self.folder, ground.source, is_slug=ground.is_slug)
            await asyncio.get_running_loop().run_in_executor(DISKS, make)
            await self._launch(self.environment(config, extra), streams)
        except (OSError, BoxError, shutil.Error) as error:
            await self._remove()
            self._finish(126)
            raise BoxError(f"The dyno {self.name} can't be started: {error}") from error
        finally:
            self._begun.set()
        if not self.exit_code.done():
            ground.names.set(self.name, self.address)
            ground.network.publish()

    async def _launch(self, env: dict[str, str], streams: Streams | None) -> None:
        self._line, output = await spawn([*self.ground.network.wrapper(), *own_shim()], streams)
        self.pid = self._line.process.pid
        if output:
            self._copying = asyncio.create_task(self.ground.log.copy(output, self.name))
        await self._line.expect("born")
        self.ground.network.attach(self.pid)
        self._line.send(self._spec(env, streams))
        await self._line.expect("running")
        self._life = asyncio.create_task(self._live())

    def _spec(self, env: dict[str, str], streams: Streams | None) -> dict[str, Any]:
        ground = self.ground
        namespaces = ground.network.kind == "namespaces"
        hosts = f"127.0.0.1 localhost\n{self.address} {self.id}\n"
        resolv = f"nameserver {ground.network.gateway}\noptions timeout:1 attempts:3\n"
        return {
            "namespaces": namespaces,
            "address": self.address,
            "gateway": ground.network.gateway,
            "hostname": self.id,
            "root": str(self.folder / "root"),
            "app": str(self.folder / "app"),
            "tmp": str(self.folder / "tmp"),
            "visible": ground.visible,
            "base_only": ground.is_slug,
            "lent": LENT if ground.is_slug else {},
            "etc": {
                "hosts": hosts,
                "resolv.conf": resolv,
                "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
                "passwd": PASSWD,
            },
            "memory_mb": MEMORY_MB[self.size],
            "cgroup": ground.limits.add(self.folder.name, MEMORY_MB[self.size]),
            "tty": bool(streams and streams.tty),
            "cwd": env["HOME"],
            "command": self.command,
            "env": env,
        }

    async def _live(self) -> None:
        assert self._line
        code = await self._line.exit_code()
        try:
            for inside in self.insides:
                inside.kill()
            await self._line.close()
            if self._copying:  # its last words come before the news of its end
                await asyncio.wait({self._copying}, timeout=LAST_WORDS_WITHIN_S)
            self.ground.log.add("heroku", self.name, f"Process exited with status {code}")
            await self._remove()
        finally:
            self._finish(code)

    def _finish(self, code: int) -> None:
        if not self.exit_code.done():
            self.exit_code.set_result(code)

    async def _remove(self) -> None:
        """Take back the dyno's name, cgroup and disk."""
        self.ground.names.drop(self.name, self.address)
        self.ground.network.publish()
        if self._line:
            await self._line.close()
        if self.ground.limits.remove(self.folder.name):
            self.ground.log.add(
                "heroku", self.name, f"Error R15 (Memory quota vastly exceeded): more than {self.size} has"
            )
        await asyncio.get_running_loop().run_in_executor(None, shutil.rmtree, self.folder, True)

    def signal(self, number: int) -> None:
        """Send a signal to every process of the dyno."""
        if self._line:
            self._line.send({"signal": number})
        for inside in self.insides:
            inside.signal(number)

    async def stop(self, grace_s: float = GRACE_S) -> int:
        """SIGTERM to every process, SIGKILL after the grace. Returns the exit code."""
        await self._begun.wait()
        if not self.exit_code.done():
            self.ground.log.add("heroku", self.name, "Stopping all processes with SIGTERM")
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self.exit_code), grace_s)
            except asyncio.TimeoutError:
                text = f"Error R12 (Exit timeout) -> At least one process failed to exit within {grace_s:g} seconds"
                self.ground.log.add("heroku", self.name, f"{text} of SIGTERM")
                self.ground.log.add("heroku", self.name, "Stopping remaining processes with SIGKILL")
                self.kill()
        return await self.exit_code

    def kill(self) -> None:
        """End every process now."""
        self.signal(signal.SIGKILL)

    async def run_inside(
        self, command: str, config: Mapping[str, str], extra: Mapping[str, str], streams: Streams
    ) -> Inside:
        """Run another command inside this dyno, with its own streams.

        Raises:
            BoxError: the dyno has ended.
        """
        if self.exit_code.done() or not self._begun.is_set():
            raise BoxError(f"The dyno {self.name} is not up.")
        inside = Inside(self, command, streams.tty)
        await inside.start(self.environment(config, extra), streams)
        self.insides.add(inside)
        inside.exit_code.add_done_callback(lambda _: self.insides.discard(inside))
        return inside


class Inside:
    """A command that runs inside a dyno, beside the dyno's own."""

    def __init__(self, dyno: Dyno, command: str, tty: bool) -> None:
        self.dyno = dyno
        self.command = command
        self.tty = tty
        self.exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._line: Line | None = None

    async def start(self, env: dict[str, str], streams: Streams) -> None:
        """Enter the dyno's namespaces, if it has any, and run the command.

        Raises:
            BoxError: it can't be run.
        """
        limits, folder = self.dyno.ground.limits, self.dyno.folder.name
        self._line, _ = await spawn([*self._entrance(), *self._shim()], streams)
        await self._line.expect("born")
        limits.enter(folder, self._line.process.pid)
        self._line.send(
            {
                "namespaces": False,
                "cgroup": "",
                "tty": self.tty,
                "cwd": env["HOME"],
                "command": self.command,
                "env": env,
            }
        )
        await self._line.expect("running")
        asyncio.create_task(self._live())

    def _shim(self) -> list[str]:
        return lent_shim() if self.dyno.ground.is_slug else own_shim()

    def _entrance(self) -> list[str]:
        """The command that enters the dyno's namespaces, if it has any.

        Raises:
            BoxError: the dyno has just ended.
        """
        if self.dyno.ground.network.kind != "namespaces":
            return []
        first = first_child(self.dyno.pid)
        return ["nsenter", "--target", str(first), "--net", "--mount", "--uts", "--ipc", "--pid", "--root", "--"]

    async def _live(self) -> None:
        assert self._line
        code = 137
        try:
            code = await self._line.exit_code()
            await self._line.close()
        finally:
            self.exit_code.set_result(code)

    def signal(self, number: int) -> None:
        """Send a signal to the command and its children."""
        if self._line:
            self._line.send({"signal": number})

    def kill(self) -> None:
        """End it now."""
        self.signal(signal.SIGKILL)
