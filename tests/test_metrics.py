"""Who is asked for measurements, one round of asking, and the page of it: against real servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from sparkspace import ports
from sparkspace.cluster import tally
from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.config import Dyno, Settings
from sparkspace.cycling.counts import Counts
from sparkspace.cycling.tally import Tally
from sparkspace.proxy import metrics, scrape
from sparkspace.proxy.families import parse
from sparkspace.proxy.formation import Formation
from sparkspace.proxy.lookout import Lookout, View
from sparkspace.proxy.metrics import Metrics
from sparkspace.proxy.scrape import ask
from sparkspace.proxy.targets import Target, dyno_of, targets

from .api_server import TOKEN, Answer, serving
from .launchers import FACTS, SECRET

APP = "myapp"
DOMAIN = f"{APP}.app.localspace"


def worker(number: int, state: str = "ALIVE", id: str = "") -> Worker:
    page = f"http://{number}.worker.{DOMAIN}:8081"
    return Worker(id or f"worker-{number}", f"10.0.0.{number}", state, 4, 1, 2048, 1024, page)


def application(number: int, state: str = "RUNNING", name: str = "job") -> Application:
    return Application(f"app-{number}", name, "u", state, 2, 512, 30.0)


LEADER = MasterStatus(
    f"http://1.master.{DOMAIN}:8080",
    "ALIVE",
    workers=(worker(1), worker(2, "DEAD"), worker(3, "DECOMMISSIONED"), worker(1, id="worker-1-new")),
    applications=(application(1), application(2, "WAITING", 'a "b"')),
)
STANDBY = MasterStatus(f"http://2.master.{DOMAIN}:8080", "STANDBY")
DOWN = MasterStatus(f"http://3.master.{DOMAIN}:8080", "DOWN")
VIEW = View((LEADER, STANDBY, DOWN), ("10.1.1.1:8080", "10.1.1.2:8080", ""), LEADER, "10.1.1.1:8080")


def test_all_that_run_are_asked_and_only_masters_are_dialled() -> None:
    found = [
        (each.role, each.labels.get("dyno") or each.labels["application_id"], each.url) for each in targets(VIEW, APP)
    ]
    assert found == [
        ("master", "master.1", "http://10.1.1.1:8080/metrics/master/prometheus/"),
        ("master", "master.2", "http://10.1.1.2:8080/metrics/master/prometheus/"),
        ("tally", "master.1", f"http://10.1.1.1:{ports.TALLY}/counts"),
        ("worker", "worker.1", "http://10.1.1.1:8080/proxy/worker-1-new/metrics/prometheus/"),
        ("worker", "worker.3", "http://10.1.1.1:8080/proxy/worker-3/metrics/prometheus/"),
        ("worker", "worker.1", "http://10.1.1.1:8080/proxy/worker-1/metrics/prometheus/"),
        ("driver", "app-1", "http://10.1.1.1:8080/proxy/app-1/metrics/prometheus/"),
        ("executor", "app-1", "http://10.1.1.1:8080/proxy/app-1/metrics/executors/prometheus/"),
        ("driver", "app-2", "http://10.1.1.1:8080/proxy/app-2/metrics/prometheus/"),
        ("executor", "app-2", "http://10.1.1.1:8080/proxy/app-2/metrics/executors/prometheus/"),
    ]  # fmt: skip
    assert list(targets(View(), APP)) == []


def test_no_id_leads_elsewhere() -> None:
    leader = replace(LEADER, workers=(worker(1, id="../../x?y#z"),), applications=())
    view = replace(VIEW, leader=leader)
    assert "/proxy/..%2F..%2Fx%3Fy%23z/metrics/" in [each.url for each in targets(view, APP)][-1]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"http://2.worker.{DOMAIN}:8081", "worker.2"),
        ("http://2.worker.other.app.localspace:8081", "2.worker.other.app.localspace"),
        ("http://10.1.2.3:8081", "10.1.2.3"),
        ("", ""),
        ("http://[half", ""),
    ],
)
def test_dynos_have_the_names_that_heroku_gives(url: str, name: str) -> None:
    assert dyno_of(url, APP) == name


# A round

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def well(request: web.Request) -> web.Response:
    return web.Response(text="metrics_x 1\n")


async def never(request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response(text="metrics_x 1\n")


async def drips(request: web.Request) -> web.StreamResponse:
    """A byte now and then: each read is in time, and the whole never is."""
    reply = web.StreamResponse()
    await reply.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await reply.write(b"#")
            await asyncio.sleep(0.05)
    return reply


async def endless(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse()
    await reply.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await reply.write(b"metrics_x 1\n" * 10_000)
    return reply


async def elsewhere(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/well"}, text="metrics_x 1\n")


async def wrong(request: web.Request) -> web.Response:
    return web.Response(status=500, text="metrics_x 1\n")


async def latin(request: web.Request) -> web.Response:
    return web.Response(body=b"metrics_x 1\n\xff\xfe\n")


async def cut(request: web.Request) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Length": "2000"})
    await reply.prepare(request)
    await reply.write(b"metrics_x 1\n")
    assert request.transport
    request.transport.abort()
    return reply


HANDLERS: dict[str, Handler] = {
    each.__name__: each for each in (well, never, drips, endless, elsewhere, wrong, latin, cut)
}


@contextlib.asynccontextmanager
async def pages() -> AsyncIterator[str]:
    """The handlers above, by their names, on a free port."""
    app = web.Application()
    app.add_routes([web.get(f"/{name}", handler) for name, handler in HANDLERS.items()])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def target(url: str, sealed: bool = False) -> Target:
    return Target("worker", url, {"dyno": url.rpartition("/")[2]}, parse, sealed)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(scrape, "LARGEST_ANSWER", 1_000_000)


@pytest.mark.usefixtures("hurried")
def test_nobody_spoils_a_round() -> None:
    async def asked() -> dict[str, str | None]:
        async with pages() as url:
            wanted = [target(f"{url}/{name}") for name in (*HANDLERS, "missing")] + [
                target("http://127.0.0.1:1/nobody")
            ]
            return {each.labels["dyno"]: text for each, text in await ask(wanted, None)}

    found = asyncio.run(asked())
    assert {name for name, text in found.items() if text} == {"well", "latin"}
    assert set(found) == {*HANDLERS, "missing", "nobody"}
    assert len(parse(found["latin"] or "")) == 1


def test_a_round_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when more hang than are asked at once, each for as long as it may."""
    monkeypatch.setattr(scrape, "AT_ONCE", 2)
    monkeypatch.setattr(scrape, "ROUND_WITHIN_S", 1.0)

    async def asked() -> tuple[list[str | None], float]:
        async with pages() as url:
            began = asyncio.get_running_loop().time()
            wanted = [target(f"{url}/well"), *(target(f"{url}/never") for _ in range(20))]
            texts = [text for _, text in await ask(wanted, None)]
            return texts, asyncio.get_running_loop().time() - began

    texts, took_s = asyncio.run(asked())
    assert texts == ["metrics_x 1\n", *[None] * 20]
    assert took_s < 2 * scrape.ANSWER_WITHIN_S  # of twenty, two at a time, that would be thirty


@pytest.mark.parametrize(
    ("asks_with", "answers_with", "is_believed"),
    [(SECRET, SECRET, True), (SECRET, "another", False), ("another", SECRET, False), ("", SECRET, False)],
)
def test_tally_answers_who_has_the_secret_and_nobody_answers_in_its_name(
    asks_with: str, answers_with: str, is_believed: bool
) -> None:
    async def asked() -> str | None:
        server = Tally(Counts(), tally.key(answers_with)).listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.server_address[1]}{tally.COUNTS}"
        try:
            ((_, text),) = await ask([target(url, sealed=True)], tally.key(asks_with) if asks_with else None)
            return text
        finally:
            server.shutdown()
            server.server_close()

    assert bool(asyncio.run(asked())) == is_believed


@pytest.mark.usefixtures("hurried")
def test_answer_without_a_seal_is_not_the_tally_s() -> None:
    async def asked() -> list[str | None]:
        async with pages() as url:
            return [text for _, text in await ask([target(f"{url}/well", sealed=True)], tally.key(SECRET))]

    assert asyncio.run(asked()) == [None]


# The page


class Standing(Lookout):
    """Sees what it is told."""

    def __init__(self, view: View) -> None:
        super().__init__(Dyno.from_env(FACTS), Settings.from_env(FACTS), lambda view: None)
        self.view = view


def text(served: Metrics, times: int = 1) -> list[str]:
    """What the page says, asked so many times at once."""

    async def asked() -> list[str]:
        request = make_mocked_request("GET", "/sparkspace/metrics")
        replies = await asyncio.gather(*(served.page(request) for _ in range(times)))
        return [bytes(reply.body).decode() for reply in replies]  # type: ignore[arg-type]

    return asyncio.run(asked())


NOBODY = replace(VIEW, addresses=("127.0.0.1:1", "", ""), master="127.0.0.1:1")


def test_cluster_is_told_though_nobody_answers() -> None:
    (said,) = text(Metrics(Standing(NOBODY), SECRET, None))
    for line in (
        'sparkspace_up{dyno="master.1",role="master"} 0.0',
        'sparkspace_up{dyno="master.1",role="tally"} 0.0',
        'sparkspace_up{dyno="worker.3",role="worker"} 0.0',
        'sparkspace_up{application_id="app-2",application_name="a \\"b\\"",role="executor"} 0.0',
        'sparkspace_master_state{dyno="master.2",state="STANDBY"} 1.0',
        'sparkspace_workers{state="ALIVE"} 2.0',
        'sparkspace_workers{state="DECOMMISSIONED"} 1.0',
        'sparkspace_workers{state="UNKNOWN"} 0.0',
        "sparkspace_leader 1.0",
        "sparkspace_cores 8.0",
        "sparkspace_cores_used 2.0",
        "sparkspace_memory_bytes 4.294967296e+09",
        'sparkspace_applications{state="WAITING"} 1.0',
        'sparkspace_application_cores{application_id="app-1",application_name="job"} 2.0',
    ):
        assert line in said.splitlines()
    assert said.count('sparkspace_up{dyno="worker.1",role="worker"}') == 1


def test_without_a_master_there_is_a_page_too() -> None:
    (said,) = text(Metrics(Standing(View()), SECRET, None))
    assert "sparkspace_leader 0.0" in said and 'sparkspace_workers{state="ALIVE"} 0.0' in said


def test_many_who_ask_are_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []

    async def counted(wanted: object, key: object) -> list[tuple[Target, str | None]]:
        rounds.append(wanted)
        await asyncio.sleep(0.1)
        return []

    monkeypatch.setattr(metrics, "ask", counted)
    served = Metrics(Standing(NOBODY), SECRET, None)
    assert len(set(text(served, 20))) == 1
    assert len(rounds) == 1


# Dynos

FORMATION, DYNOS = "GET /apps/myapp/formation", "GET /apps/myapp/dynos"
LINES = Answer([{"type": "worker", "quantity": 3}, {"type": "history", "quantity": 0}])
LISTED = Answer(
    [
        {"id": str(number), "name": name, "type": name.partition(".")[0], "state": state,
         "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
        for number, (name, state) in enumerate([("worker.1", "up"), ("worker.2", "crashed"), ("run.7", "up")])
    ]
)  # fmt: skip


def test_dynos_wanted_and_present_are_asked_of_the_api_now_and_then() -> None:
    with serving({FORMATION: LINES, DYNOS: LISTED}) as api:
        env = {"SPARK_HEROKU_ACCESS_TOKEN": TOKEN, "HEROKU_HOST": api.url}
        asked = Formation(Dyno.from_env(FACTS), env)
        for _ in range(3):
            (said,) = text(Metrics(Standing(View()), SECRET, asked))
        assert api.lines == [FORMATION, DYNOS]
    for line in (
        'sparkspace_up{role="api"} 1.0',
        'sparkspace_dynos_wanted{type="worker"} 3.0',
        'sparkspace_dynos_wanted{type="history"} 0.0',
        'sparkspace_dynos{state="up",type="worker"} 1.0',
        'sparkspace_dynos{state="crashed",type="worker"} 1.0',
        'sparkspace_dynos{state="up",type="history"} 0.0',
        'sparkspace_dynos{state="up",type="run"} 1.0',
    ):
        assert line in said.splitlines()
    assert TOKEN not in said


@pytest.mark.parametrize(
    "answer", [Answer({"id": "forbidden"}, 403), Answer("x"), Answer([{"type": "worker"}]), Answer([7])], ids=repr
)
def test_api_that_refuses_is_a_zero(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    with serving({FORMATION: answer, DYNOS: LISTED}) as api:
        asked = Formation(Dyno.from_env(FACTS), {"SPARK_HEROKU_ACCESS_TOKEN": TOKEN, "HEROKU_HOST": api.url})
        (said,) = text(Metrics(Standing(View()), SECRET, asked))
    assert 'sparkspace_up{role="api"} 0.0' in said and "sparkspace_dynos" not in said
    assert capsys.readouterr().err.count("at=metrics warning=no-formation") == 1


def test_without_a_token_dynos_are_not_spoken_of() -> None:
    (said,) = text(Metrics(Standing(View()), SECRET, Formation(Dyno.from_env(FACTS), {})))
    assert "dynos" not in said and "api" not in said
