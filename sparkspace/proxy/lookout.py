"""The lookout: asks again and again where everything is, and which master leads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from .. import ports, topology
from ..cluster import class_server, master
from ..cluster.master import MasterStatus
from ..config import MOST_MASTERS, Backend, Dyno, Settings
from ..log import event
from .places import Places

EVERY_S = 2.0
WITHOUT_LEADER_S = 0.5  # somebody may be waiting for it
ANSWER_WITHIN_S = 2.0
# A master that is busy for a moment is no failover; another that is ALIVE takes its place at once.
MISSED_FOR_S = 6.0
MOST_CHOSEN = 200


@dataclass(frozen=True)
class View:
    """What the lookout saw. Addresses are ``ip:port``; an empty one: there is none."""

    masters: tuple[MasterStatus, ...] = ()
    addresses: tuple[str, ...] = ()  # of the masters, in their order
    leader: MasterStatus | None = None
    master: str = ""
    default: str = ""
    history: str = ""
    notebook: str = ""
    class_server: str = ""
    history_host: str = ""
    chosen: dict[str, str] = field(default_factory=dict)


class Lookout:
    """Keeps a ``View`` fresh, and says when it has changed."""

    def __init__(self, dyno: Dyno, settings: Settings, changed: Callable[[View], None]) -> None:
        self._dyno = dyno
        self._settings = settings
        self._changed = changed
        self._places = Places(dyno.private_ip)
        # Their own threads: names that hang must not keep the masters from being asked.
        self._askers = ThreadPoolExecutor(MOST_MASTERS)
        self._missed_since = 0.0
        self._chosen: dict[Backend, str] = {}
        self.view = View()

    @property
    def default(self) -> Backend | None:
        """The default backend that the operator has set; None: it is the ALIVE master."""
        return self._settings.proxy_default

    @property
    def app(self) -> str:
        """The app of this web process."""
        return self._dyno.app_name

    @property
    def apps(self) -> frozenset[str]:
        """The apps whose dynos may be shown."""
        return topology.shown_apps(self._dyno, self._settings)

    def allows(self, backend: Backend | None) -> bool:
        """Whether a backend may be shown."""
        return backend is not None and backend.app in self.apps

    def known(self, name: str) -> Backend | None:
        """The backend of this name, if it may be shown."""
        backend = Backend.parse(name)
        return backend if self.allows(backend) else None

    async def watch(self) -> None:
        """Look, for ever."""
        while True:
            try:
                await self.look()
            except OSError as error:  # a full disk, no more threads: the next look may do better
                event("look-failed", error=error)
            await asyncio.sleep(EVERY_S if self.view.leader else WITHOUT_LEADER_S)

    async def look(self) -> None:
        """Look once."""
        hosts = topology.master_hosts(self._dyno, self._settings)
        domain = topology.master_app_domain(self._dyno, self._settings)
        others = [
            (f"1.history.{domain}", ports.HISTORY_UI),
            (f"1.notebook.{self._dyno.app_domain}", ports.NOTEBOOK),
            (class_server.host_of(self._dyno, self._settings), ports.CLASS_SERVER),
        ]
        masters, found, _ = await asyncio.gather(
            asyncio.gather(*map(self._ask, hosts)),
            asyncio.gather(*(self._places.locate(host, port) for host, port in others)),
            self._follow(list(self._chosen)),
        )
        leader, address = self._led(list(masters))
        self._see(
            View(
                masters=tuple(status for status, _ in masters),
                addresses=tuple(address for _, address in masters),
                leader=leader,
                master=address,
                default=await self._places.locate(self.default.host, self.default.port) if self.default else address,
                history=found[0],
                notebook=found[1],
                class_server=found[2],
                history_host=others[0][0],
                chosen={str(backend): where for backend, where in self._chosen.items()},
            )
        )

    async def choose(self, backend: Backend) -> bool:
        """Have a route to a backend from now on. False: it is nowhere now."""
        await self._follow([backend])
        where = self._chosen.pop(backend, "")
        if where:
            self._chosen[backend] = where  # as the newest
        if len(self._chosen) > MOST_CHOSEN:
            del self._chosen[next(iter(self._chosen))]
        if where and self.view.chosen.get(str(backend)) != where:
            self._see(replace(self.view, chosen={str(each): at for each, at in self._chosen.items()}))
        return bool(where)

    def _see(self, view: View) -> None:
        self.view = view
        self._changed(view)

    async def _ask(self, host: str) -> tuple[MasterStatus, str]:
        """A master's answer, and its address."""
        url, address = f"http://{host}:{ports.MASTER_UI}", await self._places.locate(host, ports.MASTER_UI)
        if not address:
            return MasterStatus(url, "DOWN", problem="its name does not resolve"), ""
        asking = asyncio.get_running_loop().run_in_executor(
            self._askers, master.ask, f"http://{address}", ANSWER_WITHIN_S
        )
        try:
            return replace(await asyncio.wait_for(asking, 2 * ANSWER_WITHIN_S), url=url), address
        except asyncio.TimeoutError:  # ANSWER_WITHIN_S is for each read of its answer
            return MasterStatus(url, "DOWN", problem="no answer in time"), address

    def _led(self, masters: list[tuple[MasterStatus, str]]) -> tuple[MasterStatus | None, str]:
        """Who leads, and where: what was seen last, for a moment, when nobody says so now."""
        now = time.monotonic()
        for status, address in masters:
            if status.state == "ALIVE":
                self._missed_since = 0.0
                return status, address
        self._missed_since = self._missed_since or now
        if now - self._missed_since < MISSED_FOR_S:
            return self.view.leader, self.view.master
        return None, ""

    async def _follow(self, backends: Iterable[Backend]) -> None:
        """Look up chosen backends again. One whose name is gone loses its route: its address may be another's."""
        wanted = list(backends)
        found = await asyncio.gather(*(self._places.locate(each.host, each.port) for each in wanted))
        for backend, where in zip(wanted, found, strict=True):
            if where:
                self._chosen[backend] = where
            else:
                self._chosen.pop(backend, None)
