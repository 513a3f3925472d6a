"""The desk, asked over its socket as nginx asks it: choosing a backend, and what nginx could not do."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from sparkspace.cluster.master import MasterStatus
from sparkspace.config import Backend, Dyno, Settings, User
from sparkspace.proxy import desk
from sparkspace.proxy.attempts import MOST_FAILURES, Attempts
from sparkspace.proxy.desk import COOKIE, COOKIE_FOR_S, POLICY, Desk
from sparkspace.proxy.lookout import Lookout, View
from sparkspace.proxy.pages import ASSETS, Pages
from sparkspace.proxy.seal import Seal

from .launchers import FACTS

WORKER, JOB = "2.worker.myapp.app.localspace:8081", "1.job.reports.app.localspace:4040"
GONE, STRANGER = "9.worker.myapp.app.localspace:8081", "1.master.other.app.localspace:8080"
MASTER = MasterStatus("http://1.master.myapp.app.localspace:8080", "ALIVE")
SEAL = Seal((User("spark", "{PLAIN}x"),), "myapp.app.localspace")


def token(text: str) -> str:
    """The cookie that chooses a backend."""
    backend = Backend.parse(text)
    assert backend
    return SEAL.token(backend)


class Standing(Lookout):
    """A lookout over a cluster in which nothing moves, and ``GONE`` is not there."""

    def __init__(self) -> None:
        env = {**FACTS, "SPARKSPACE_PROXY_APPS": "reports", "SPACE_PROXY_DEFAULT_BACKEND": JOB}
        super().__init__(Dyno.from_env(env), Settings.from_env(env), lambda view: None)
        self.asked: list[str] = []

    async def choose(self, backend: Backend) -> bool:
        """Look nothing up."""
        self.asked.append(str(backend))
        return str(backend) != GONE


@dataclass(frozen=True)
class Reply:
    """What nginx gets."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: list[str]

    @property
    def goes_to(self) -> str:
        """Where the browser is sent."""
        return self.headers.get("Location", "")


@dataclass
class Asked:
    """A desk, and how it is asked."""

    folder: Path
    url: str = ""
    lookout: Standing = field(default_factory=Standing)

    def get(self, path: str, request: str = "", times: int = 1, cookie: str = "", **headers: str) -> Reply:
        """The last answer, when nginx says that the request was for ``request``."""
        return asyncio.run(self._get(path, request, times, cookie, headers))

    async def _get(self, path: str, request: str, times: int, cookie: str, headers: dict[str, str]) -> Reply:
        sent = {"X-Host": "spark.example", "X-Request": request, "X-Client": "10.0.0.1"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Cookie": f"other=1; {COOKIE}={cookie}"} if cookie else {}
        served = Desk(self.lookout, Attempts(self.folder / "banned"), SEAL, Pages("myapp", self.url))
        runner = await served.serve(self.folder / "desk")
        connector = aiohttp.UnixConnector(str(self.folder / "desk"))
        try:
            async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
                for _ in range(times):
                    async with session.get(f"http://desk{path}", headers=sent, allow_redirects=False) as reply:
                        cookies = reply.headers.getall("Set-Cookie", [])
                        found = Reply(reply.status, dict(reply.headers), await reply.text(), cookies)
            return found
        finally:
            await runner.cleanup()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A desk whose nginx is quick. The name of a socket has room for 107 characters."""
    monkeypatch.setattr(desk, "RELOADED_AFTER_S", 0.0)
    folder = Path(tempfile.mkdtemp(dir=tmp_path if len(str(tmp_path)) < 80 else None))
    (folder / "banned").mkdir()
    return Asked(folder)


def test_healthz(asked: Asked) -> None:
    down = asked.get("/healthz")
    asked.lookout.view = View(masters=(MASTER,), leader=MASTER)
    up = asked.get("/healthz")
    assert [(each.status, each.text) for each in (down, up)] == [(503, "down\n"), (200, "up\n")]
    assert {each.headers["Cache-Control"] for each in (down, up)} == {"no-store"}


# Choosing a backend


@pytest.mark.parametrize(
    ("request_", "backend", "goes_to"),
    [
        (f"/set-backend/{WORKER}", WORKER, "/"),
        (f"/set-backend/{WORKER}/", WORKER, "/"),
        (f"/set-backend/{JOB}/jobs/?id=1&x=[2]", JOB, "/jobs/?id=1&x=[2]"),
        (f"/set-backend/{JOB}/a%2Fb;c=1/..%20", JOB, "/a%2Fb;c=1/..%20"),
        (f"/set-backend?to={WORKER.replace(':', '%3A')}", WORKER, "/"),
        (f"/set-backend/?to=+{WORKER}%0A&more=1", WORKER, "/"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/a/b"])
def test_backend_is_chosen(asked: Asked, request_: str, backend: str, goes_to: str, prefix: str) -> None:
    asked.url = f"https://spark.example{prefix}"
    reply = asked.get("/set-backend", prefix + request_)
    assert (reply.status, reply.goes_to, asked.lookout.asked) == (302, prefix + goes_to, [backend])
    (cookie,) = reply.cookies
    assert SEAL.open(SimpleCookie(cookie)[COOKIE].value) == Backend.parse(backend)


@pytest.mark.parametrize(("proto", "secure"), [("http", []), ("https", ["Secure"]), ("", []), ("HTTPS", [])])
def test_cookie_is_the_browsers_alone(asked: Asked, proto: str, secure: list[str]) -> None:
    (cookie,) = asked.get("/set-backend", f"/set-backend/{WORKER}", X_Proto=proto).cookies
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert sorted(attributes) == sorted(["HttpOnly", f"Max-Age={COOKIE_FOR_S}", "Path=/", "SameSite=Lax", *secure])


@pytest.mark.parametrize("request_", ["/set-backend", "/set-backend/"])
def test_choice_of_nothing_leads_to_the_start_page(asked: Asked, request_: str) -> None:
    asked.url = "https://spark.example/ui"
    reply = asked.get("/set-backend", f"/ui{request_}")
    assert (reply.status, reply.goes_to, reply.cookies) == (302, "/ui/sparkspace/", [])


@pytest.mark.parametrize("request_", ["/set-backend/default", "/set-backend?to=default"])
def test_default_forgets_the_choice(asked: Asked, request_: str) -> None:
    reply = asked.get("/set-backend", request_)
    assert (reply.status, reply.goes_to, asked.lookout.asked) == (302, "/", [])
    (cookie,) = reply.cookies
    assert re.match(rf'{COOKIE}="";.*Max-Age=0;.*Path=/', cookie)


@pytest.mark.parametrize(
    "request_",
    [
        f"/set-backend/{STRANGER}", f"/set-backend?to={STRANGER}", "/set-backend/localhost:8080",
        "/set-backend/169.254.169.254:8080", "/set-backend/2.worker.myapp.app.localspace:7077", "/set-backend/defaults",
        f"/set-backend/{WORKER}%0a", f"/set-backend/{WORKER}@evil.example", f"/set-backend/http://{WORKER}",
        f"/set-backend/{WORKER}?x=1", f"/set-backend/{WORKER.upper()}", "/set-backend?to=", "/set-backend?from=1",
        f"/set-backend?to={WORKER}%2Fjobs", "/set-backend/<script>alert(1)</script>", "",
        # Not by way of a path either
        f"/set-backend/{WORKER}//evil.example", f"/set-backend/{WORKER}//", f"/set-backend/{WORKER}/\\evil.example",
        f"/set-backend/{WORKER}/%\t/", f"/set-backend/{WORKER}/a b", f"/set-backend/{WORKER}/#x",
        f"/set-backend/{WORKER}/é", f"/set-backend/{WORKER}/<", f"/set-backend?to={WORKER}//evil.example",
    ],
)  # fmt: skip
def test_other_choices_are_refused(asked: Asked, request_: str) -> None:
    reply = asked.get("/set-backend", request_)
    assert (reply.status, reply.goes_to, reply.cookies, asked.lookout.asked) == (403, "", [], [])
    assert "This can not be shown" in reply.text and "<b>myapp, reports</b>" in reply.text
    assert "<script>alert" not in reply.text


def test_backend_that_is_not_there(asked: Asked) -> None:
    reply = asked.get("/set-backend", f"/set-backend/{GONE}")
    assert (reply.status, reply.cookies, asked.lookout.asked) == (502, [], [GONE])
    assert f"{GONE} is not there" in reply.text


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"X_Site": "none"}, False),
        ({"X_Site": "same-origin"}, False),
        ({"X_Site": "same-site"}, True),
        ({"X_Site": "cross-site"}, True),
        ({"X_Site": "none", "X_Page": "https://evil.example/"}, False),
        ({"X_Site": "cross-site", "X_Page": "https://spark.example/"}, True),
        ({"X_Page": "https://spark.example/x"}, False),
        ({"X_Page": "https://spark.example"}, False),
        ({"X_Page": "https://public.example:8443/x"}, False),
        ({"X_Page": "https://public.example/x"}, True),
        ({"X_Page": "https://evil.example/spark.example"}, True),
        ({"X_Page": "https://spark.example@evil.example/"}, True),
        ({"X_Page": "https://spark.example.evil.example/"}, True),
        ({"X_Page": "https://[evil/"}, True),
        ({"X_Page": "null"}, True),
        ({"X_Page": "null", "X_Host": ""}, True),
    ],
)
@pytest.mark.parametrize("choice", [WORKER, "default"])
def test_page_of_another_site_has_to_ask(asked: Asked, headers: dict[str, str], is_foreign: bool, choice: str) -> None:
    asked.url = "https://public.example:8443/ui"
    reply = asked.get("/set-backend", f"/ui/set-backend/{choice}", **headers)
    assert (reply.status, bool(reply.cookies)) == ((403, False) if is_foreign else (302, True))
    assert ("A page of another site sent you here" in reply.text) == is_foreign
    assert (f'<a class="button" href="/ui/set-backend/{choice}">' in reply.text) == is_foreign


# A cookie that nginx does not know


@pytest.mark.parametrize(
    ("request_", "goes_to"),
    [
        ("jobs/?id=1", "/jobs/?id=1"),
        ("", "/"),
        ("/evil.example/", "/"),
        ("\\evil.example", "/"),
        ("a b", "/"),
        ("é", "/"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/ui"])
def test_cookie_of_before_a_restart_is_taken_up(asked: Asked, request_: str, goes_to: str, prefix: str) -> None:
    asked.url = f"https://spark.example{prefix}"
    reply = asked.get("/sparkspace/unknown-backend", f"{prefix}/{request_}", cookie=token(WORKER))
    assert (reply.status, reply.goes_to, asked.lookout.asked) == (307, prefix + goes_to, [WORKER])
    assert reply.cookies == []


@pytest.mark.parametrize(
    "cookie",
    ["", "x", WORKER, f"{WORKER}-{'0' * 40}", token(WORKER).replace("2.w", "3.w"), token(STRANGER), "\udcff-\udcff"],
)
def test_forged_cookie_is_forgotten(asked: Asked, cookie: str) -> None:
    reply = asked.get("/sparkspace/unknown-backend", "/jobs/", cookie=cookie)
    assert (reply.status, asked.lookout.asked) == (403, [])
    assert "This choice is not valid any more" in reply.text
    assert [bool(re.match(rf'{COOKIE}="";.*Max-Age=0', each)) for each in reply.cookies] == [True]


def test_cookie_of_a_dyno_that_is_gone_is_kept(asked: Asked) -> None:
    reply = asked.get("/sparkspace/unknown-backend", "/jobs/", cookie=token(GONE))
    assert (reply.status, reply.cookies, asked.lookout.asked) == (502, [], [GONE])
    assert f"{GONE} is not there" in reply.text


# What nginx could not do


@pytest.mark.parametrize(("tried", "banned"), [("1", ["10.0.0.1"]), ("0", []), ("", []), ("11", [])])
def test_only_a_password_counts(asked: Asked, tried: str, banned: list[str]) -> None:
    reply = asked.get("/sparkspace/login", "/", MOST_FAILURES, X_Tried=tried)
    assert reply.status == 401
    assert "heroku config:get SPACE_PROXY_BASIC_AUTH -a myapp" in reply.text
    assert [path.name for path in (asked.folder / "banned").iterdir()] == banned


def test_who_asks_is_what_nginx_says(asked: Asked) -> None:
    asked.get("/sparkspace/login", "/", MOST_FAILURES, X_Tried="1", X_Client="..", X_Forwarded_For="10.0.0.2")
    assert list((asked.folder / "banned").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "status", "retry", "words"),
    [
        ("banned", 429, "60", "Too many wrong passwords"),
        ("foreign", 403, None, "A page of another site tried to change something"),
        ("nobody", 503, "3", "No master is ALIVE"),
        ("no-history", 503, None, "There is no history server"),
        ("unreachable", 502, "3", f"{JOB} does not answer"),
    ],
)
def test_what_went_wrong(asked: Asked, name: str, status: int, retry: str | None, words: str) -> None:
    reply = asked.get(f"/sparkspace/{name}", "/")
    assert (reply.status, reply.headers.get("Retry-After")) == (status, retry)
    assert words in reply.text
    assert reply.cookies == []


@pytest.mark.parametrize(
    ("request_", "leads_to"),
    [
        ("/proxy/app-20261121043103-0000/jobs/", "/ui/finished/history/app-20261121043103-0000/jobs/"),
        ("/proxy/worker-20261121043051-10.0.0.2-45305/", None),
        ("/proxy/<x>/", None),
    ],
)
def test_page_of_what_has_ended(asked: Asked, request_: str, leads_to: str | None) -> None:
    asked.url = "https://spark.example/ui"
    reply = asked.get("/sparkspace/gone", f"/ui{request_}")
    assert reply.status == 404
    assert re.findall(r'<a class="button" href="(\S+)">', reply.text) == ([leads_to] if leads_to else [])


def test_default_that_is_not_there_is_named(asked: Asked) -> None:
    asked.lookout.view = View(masters=(MASTER,), leader=MASTER)
    reply = asked.get("/sparkspace/nobody", "/")
    assert reply.status == 503
    assert f"<h1>{JOB} is not there</h1>" in reply.text


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("/finished/", "The history server does not answer"),
        ("/proxy/app-1/", "The master, or what it shows here, does not answer"),
    ],
)
def test_page_that_does_not_answer_is_not_taken_for_the_choice(asked: Asked, request_: str, words: str) -> None:
    assert words in asked.get("/sparkspace/unreachable", request_, cookie=token(WORKER)).text


def test_backend_that_does_not_answer_is_named(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"{WORKER} does not answer" in asked.get("/sparkspace/unreachable", "/", cookie=token(WORKER)).text
    assert capsys.readouterr().err == f"sparkspace at=unreachable backend={WORKER} client=10.0.0.1\n"


def test_bytes_that_are_no_text(asked: Asked) -> None:
    """nginx hands over what a client sent as it came."""

    async def status(request: bytes, cookie: bytes) -> bytes:
        served = Desk(asked.lookout, Attempts(asked.folder), SEAL, Pages("myapp", ""))
        runner = await served.serve(asked.folder / "desk")
        reader, writer = await asyncio.open_unix_connection(asked.folder / "desk")
        try:
            writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\nX-Request: /set-backend/\xff\r\n" % request)
            writer.write(b"X-Page: http://\xff/\r\nCookie: %b=%b\r\n\r\n" % (COOKIE.encode(), cookie))
            return (await reader.readline()).split()[1]
        finally:
            writer.close()
            await writer.wait_closed()
            await runner.cleanup()

    cookies = (b"\xff", token(WORKER)[:-1].encode() + b"\xff")
    paths = (b"/set-backend", b"/sparkspace/unknown-backend", b"/sparkspace/unreachable", b"/sparkspace/")
    found = [[asyncio.run(status(path, cookie)) for path in paths] for cookie in cookies]
    assert found == [[b"403", b"403", b"502", b"200"]] * 2


@pytest.mark.parametrize("path", ["/sparkspace", "/finished"])
def test_folder_without_its_slash(asked: Asked, path: str) -> None:
    asked.url = "https://spark.example/ui"
    reply = asked.get(path, f"/ui{path}")
    assert (reply.status, reply.goes_to) == (302, f"/ui{path}/")


# The start page


def test_start_page_shows_the_choice(asked: Asked) -> None:
    asked.lookout.view = replace(View(), masters=(MASTER,), leader=MASTER, chosen={WORKER: "10.0.0.2:8081"})
    for path in ("/sparkspace/", "/sparkspace/overview"):
        reply = asked.get(path, cookie=token(WORKER))
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert f'<a href="/set-backend/{WORKER}" aria-current="true">worker.2</a>' in reply.text
        assert "aria-current" not in asked.get(path, cookie=f"{WORKER}-0").text
    assert reply.text in asked.get("/sparkspace/", cookie=token(WORKER)).text


@pytest.mark.parametrize("path", ["/sparkspace/", "/sparkspace/overview", "/sparkspace/login", "/set-backend"])
def test_pages_are_kept_by_nobody_and_load_from_here(asked: Asked, path: str) -> None:
    headers = asked.get(path, "/set-backend/x").headers
    assert (headers["Cache-Control"], headers["Content-Security-Policy"]) == ("no-store", POLICY)


@pytest.mark.parametrize(("name", "kind"), ASSETS.items())
def test_assets(asked: Asked, name: str, kind: str) -> None:
    reply = asked.get(f"/sparkspace/{name}")
    assert (reply.status, reply.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert reply.text == Pages("myapp", "").asset(name)


@pytest.mark.parametrize("path", ["/", "/sparkspace/x", "/finished/", "/set-backend/x", "/sparkspace/../healthz/"])
def test_other_paths_are_none(asked: Asked, path: str) -> None:
    assert asked.get(path).status == 404
