"""A cluster of any size that is not there: its master's pages, its workers', its drivers' and Heroku's API, by HTTP.

All of it is another process, so that what is measured here is ours alone. Every answer that a dyno gives comes
``DYNO_ANSWERS_S`` late, as one over a network does. The API pages its lists as Heroku's does (200 things, 206,
``Next-Range``). The class server is the real one. Names resolve to one address, and lookups are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import multiprocessing
import secrets
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

from aiohttp import web

from sparkspace import ports
from sparkspace.cluster.signature import Key
from sparkspace.code.class_server.blobs import Blobs
from sparkspace.code.class_server.pushes import Pushes
from sparkspace.code.class_server.release import Release
from sparkspace.code.class_server.server import ClassServer
from sparkspace.code.tree import Entry

APP = "scale"
DOMAIN = f"{APP}.app.localspace"
SECRET, TOKEN = "of-a-benchmark-that-is-alone", "of-a-benchmark-that-is-alone-too"
DYNO_ANSWERS_S = 0.005
API_PAGE = 200  # things: devcenter.heroku.com/articles/platform-api-reference#list-ranges
CORES, MEMORY_MB = 8, 24_000  # of a worker
WORKERS_AN_APPLICATION = 10
CLASSES, VERSIONS = 10, 10  # of each session of the class server
# In the form of a worker's page, and about as long: gauges twice, and timers of eleven lines each.
WORKER_LINES = "".join(
    f'metrics_worker_gauge{n}_{kind}{{type="gauges"}} {n}\n' for n in range(40) for kind in ("Number", "Value")
) + "".join(f'metrics_shuffleService_timer{n % 4}_p{n}{{type="timers"}} 0.5\n' for n in range(44))
EXECUTOR_LINE = 'metrics_executor_{n}_bytes{{application_id="{app}", application_name="a job", executor_id="{e}"}} 1\n'


@dataclass(frozen=True)
class Scene:
    """How a cluster is found.

    Args:
        workers: how many there should be; a tenth as many applications.
        busy: whether an executor has each worker whole, and each application waits for ten more.
        age_h: of every dyno.
        there: the share of the workers that has registered.
        pushed: whether the class server has a session for each application.
    """

    workers: int
    busy: bool = True
    age_h: float = 1.0
    there: float = 1.0
    pushed: bool = False

    @property
    def applications(self) -> list[str]:
        """Their ids."""
        return [f"app-20260101000000-{n:04}" for n in range(max(1, self.workers // WORKERS_AN_APPLICATION))]


@dataclass
class Simulated:
    """One that runs: where, and what it has been asked since the last question."""

    size: int
    ip: str
    api: str
    pid: int
    sessions: list[tuple[str, str]]  # of the class server: the id of each, and its newest version
    names: Counter[str]
    _pipe: Connection = field(repr=False)

    def asked(self) -> Counter[str]:
        """Requests by whom they asked, ``connections``, and ``lookups`` of names; from now on anew."""
        self._pipe.send("count")
        found: Counter[str] = self._pipe.recv()
        found["lookups"] = self.names.total()
        self.names.clear()
        return found

    def env(self, dyno: str = "master.1") -> dict[str, str]:
        """Of a dyno of it."""
        kind, _, number = dyno.partition(".")
        return {
            "DYNO": dyno,
            "HEROKU_PRIVATE_IP": self.ip,
            "HEROKU_DNS_APP_NAME": DOMAIN,
            "HEROKU_DNS_FORMATION_NAME": f"{kind}.{DOMAIN}",
            "HEROKU_DNS_DYNO_NAME": f"{number}.{kind}.{DOMAIN}",
            "HEROKU_HOST": self.api,
            "SPARKSPACE_SECRET": SECRET,
            "SPARK_HEROKU_ACCESS_TOKEN": TOKEN,
            "SPARKSPACE_DYNAMIC_ALLOCATION": "true",
        }


@contextlib.contextmanager
def simulated(scene: Scene) -> Iterator[Simulated]:
    """Have one, until the end of the block."""
    ip = f"127.{secrets.randbelow(200) + 40}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(scene, ip, theirs), daemon=True)
    process.start()
    names: Counter[str] = Counter()
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  # as the standard library types it
        if isinstance(host, str) and host.endswith(".localspace"):
            names[host] += 1
            host = ip
        return resolve(host, *rest, **more)

    try:
        api, sessions = ours.recv()
        with mock.patch.object(socket, "getaddrinfo", resolved):
            yield Simulated(scene.workers, ip, api, process.pid or 0, sessions, names, ours)
    finally:
        process.terminate()
        process.join()


def _serve(scene: Scene, ip: str, pipe: Connection) -> None:
    asyncio.run(Cluster(scene).serve(ip, pipe))


class Cluster:
    """Answers for everybody."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._asked: Counter[str] = Counter()
        self._connections: set[tuple[Any, ...]] = set()

    async def serve(self, ip: str, pipe: Connection) -> None:
        """For ever."""
        self._page = json.dumps(master_page(self._scene, ip)).encode()
        self._worker = json.dumps(worker_page(self._scene)).encode()
        master, worker, api = (web.Application(middlewares=[self._counted(who)]) for who in ("master", "worker", "api"))
        master.add_routes([
            web.get("/json/", self._json),
            web.get("/metrics/master/prometheus/", self._daemon),
            web.get("/proxy/{id}/metrics/prometheus/", self._daemon),
            web.get("/proxy/{id}/metrics/executors/prometheus/", self._executors),
            web.get("/proxy/{id}/metrics/json/", self._wishes),
            web.get("/proxy/{id}/api/v1/applications/{_}/environment", self._properties),
        ])  # fmt: skip
        worker.add_routes([web.get("/json/", self._of_worker)])
        api.add_routes([web.get("/apps/{app}/dynos", self._dynos), web.get("/apps/{app}/formation", self._formation)])
        port = 0
        for site, at in ((master, ports.MASTER_UI), (worker, ports.WORKER_UI), (api, 0)):
            runner = web.AppRunner(site, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, ip, at, backlog=2048).start()
            port = runner.addresses[0][1]
        with tempfile.TemporaryDirectory() as folder:
            pushes = Pushes(Blobs(Path(folder)), "v1")
            sessions = [push(pushes, session) for session in range(len(self._scene.applications) * self._scene.pushed)]
            await self._class_server(pushes).serve(ip, ports.CLASS_SERVER)
            pipe.send((f"http://{ip}:{port}", sessions))
            threading.Thread(target=self._tell, args=(pipe,), daemon=True).start()
            await asyncio.Event().wait()

    def _class_server(self, pushes: Pushes) -> ClassServer:
        """The real one, its requests counted."""
        found = ClassServer(Key(SECRET), Release({}), pushes)
        handle = found.handle

        async def counted(request: web.BaseRequest) -> web.StreamResponse:
            self._count("class server", request)
            reply = await handle(request)
            self._weigh(reply)
            return reply

        found.handle = counted  # type: ignore[method-assign]
        return found

    def _tell(self, pipe: Connection) -> None:
        while pipe.recv():
            asked, self._asked = self._asked, Counter()
            asked["connections"] = len(self._connections)
            self._connections = set()
            pipe.send(asked)

    def _counted(self, who: str) -> Any:  # noqa: ANN401
        @web.middleware
        async def count(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
            self._count("through master" if request.path.startswith("/proxy/") else who, request)
            await asyncio.sleep(DYNO_ANSWERS_S)
            reply: web.StreamResponse = await handler(request)
            self._weigh(reply)
            return reply

        return count

    def _count(self, who: str, request: web.BaseRequest) -> None:
        self._asked[who] += 1
        if request.transport:
            self._connections.add(request.transport.get_extra_info("peername"))

    def _weigh(self, reply: web.StreamResponse) -> None:
        if isinstance(reply, web.Response) and isinstance(reply.body, bytes):
            self._asked["bytes"] += len(reply.body)

    async def _json(self, request: web.Request) -> web.Response:
        return web.Response(body=self._page, content_type="application/json")

    async def _of_worker(self, request: web.Request) -> web.Response:
        return web.Response(body=self._worker, content_type="application/json")

    async def _daemon(self, request: web.Request) -> web.Response:
        return web.Response(text=WORKER_LINES)

    async def _executors(self, request: web.Request) -> web.Response:
        app = request.match_info["id"]
        each = range(WORKERS_AN_APPLICATION if self._scene.busy else 0)
        return web.Response(text="".join(EXECUTOR_LINE.format(n=n, app=app, e=e) for e in each for n in range(40)))

    async def _wishes(self, request: web.Request) -> web.Response:
        present = WORKERS_AN_APPLICATION if self._scene.busy else 0
        wanted = {"numberTargetExecutors": 2 * present, "numberAllExecutors": present}
        name = f"{request.match_info['id']}.driver.ExecutorAllocationManager.executors"
        return web.json_response({"gauges": {f"{name}.{key}": {"value": value} for key, value in wanted.items()}})

    async def _properties(self, request: web.Request) -> web.Response:
        found = {"spark.executor.cores": str(CORES), "spark.cores.max": "100000"}
        return web.json_response({"sparkProperties": [[key, value] for key, value in found.items()]})

    async def _dynos(self, request: web.Request) -> web.Response:
        at = (datetime.now(timezone.utc) - timedelta(hours=self._scene.age_h)).isoformat()
        kinds = [("master", 1), ("web", 1), ("worker", self._scene.workers)]
        found = [
            {"id": f"{kind}-{n:08}", "name": f"{kind}.{n}", "type": kind, "state": "up", "created_at": at,
             "updated_at": at, "size": "Private-L", "command": "bin/spark-worker", "attach_url": None,
             "release": {"id": "0123", "version": 7}, "app": {"id": "4567", "name": APP}}
            for kind, quantity in kinds for n in range(1, quantity + 1)
        ]  # fmt: skip
        begin = int(request.headers.get("Range", "id 0..").split()[1].rstrip(".;"))
        end = begin + API_PAGE
        more = {"Next-Range": f"id {end}..; max={API_PAGE}"} if end < len(found) else {}
        return web.json_response(found[begin:end], status=206 if more else 200, headers=more)

    async def _formation(self, request: web.Request) -> web.Response:
        kinds = {"master": 1, "web": 1, "worker": self._scene.workers}
        return web.json_response(
            [{"type": kind, "quantity": quantity, "size": "Private-L"} for kind, quantity in kinds.items()]
        )


def master_page(scene: Scene, ip: str) -> dict[str, Any]:
    """Its JSON page, with all that Spark 4.3 writes there."""
    used = CORES if scene.busy else 0
    nothing: dict[str, Any] = {"resources": {}, "resourcesused": {}, "resourcesfree": {}}
    workers = [
        {"id": f"worker-20260101000000-{ip}-{n:05}", "host": ip, "port": 40_000,
         "webuiaddress": f"http://{n}.worker.{DOMAIN}:{ports.WORKER_UI}", "cores": CORES, "coresused": used,
         "coresfree": CORES - used, "memory": MEMORY_MB, "memoryused": used * 3000, "memoryfree": 0,
         "state": "ALIVE", "lastheartbeat": 1_767_225_600_000, **nothing}
        for n in range(1, int(scene.workers * scene.there) + 1)
    ]  # fmt: skip
    applications = [
        {"id": id, "starttime": 1_767_225_600_000, "name": "a job", "cores": used * WORKERS_AN_APPLICATION,
         "user": "dyno", "memoryperexecutor": MEMORY_MB, "memoryperslave": MEMORY_MB, "resourcesperexecutor": [],
         "resourcesperslave": [], "submitdate": "Thu Jan 01 00:00:00 UTC 2026", "state": "RUNNING", "duration": 60_000}
        for id in scene.applications
    ]  # fmt: skip
    return {"url": f"spark://1.master.{DOMAIN}:7077", "workers": workers, "activeapps": applications,
            "completedapps": [], "activedrivers": [], "completeddrivers": [], "status": "ALIVE"}  # fmt: skip


def worker_page(scene: Scene) -> dict[str, Any]:
    """What runs on each worker, and what has ended there."""
    running = [{"appid": scene.applications[0], "id": "1"}] if scene.busy else []
    return {"executors": running, "finishedexecutors": [{"appid": "app-20251231000000-0000", "id": "1"}]}


def push(pushes: Pushes, session: int) -> tuple[str, str]:
    """Open a session with some versions. Returns its id and the newest."""
    name = f"session{session}"
    opened = pushes.sessions.open(name, APP, "v1", f"run.{session}")
    for number in range(VERSIONS):
        content = {f"classes/C{n}.class": f"{session} {number} {n} ".encode() * 400 for n in range(CLASSES)}
        files = {path: Entry(hashlib.sha256(text).hexdigest(), len(text)) for path, text in content.items()}
        pushes.sessions.push(name, files, {files[path].sha256: text for path, text in content.items()}, "bench")
    assert opened.head
    return opened.id, opened.head.digest
