"""The router of a box and the web process behind it, without Spark: nobody is cut off, and every death is named."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import requests

from .conftest import ROOT, Box, tiny_app, until

pytestmark = pytest.mark.box
PROCFILE = f"""\
web: {ROOT}/bin/space-proxy
pages: {sys.executable} {ROOT}/tests/box/pages.py
"""
USER = ("reader", "correct-horse")
NAME = "1.pages.sparkspace.app.localspace:8888"


@pytest.fixture(scope="module", params=["namespaces", "loopback"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """An open box whose web process shows a dyno with pages of its own."""
    box = tiny_app(tmp_path_factory.mktemp("site") / "app", PROCFILE)
    (box.folder / "app.json").write_text('{"formation": {"web": {"quantity": 1}, "pages": {"quantity": 1}}}')
    env = {"SPACE_PROXY_BASIC_AUTH": "reader:{PLAIN}correct-horse"}
    opened = box("up", "--detach", "--network", request.param, env=env, code=None)
    if opened.returncode == 73:
        pytest.skip(f"no {request.param} here: {opened.stderr}")
    assert f"at=web url=http://reader@{box.record['web'].removeprefix('http://')}/sparkspace/" in opened.stderr
    try:
        until(lambda: box.dynos()["web.1"]["state"] == "up")
        yield box
    finally:
        box("down")


def session(box: Box) -> requests.Session:
    """Logged in, and shown the pages."""
    browser = requests.Session()
    browser.auth = USER
    until(lambda: browser.get(f"{box.record['web']}/set-backend/{NAME}/", timeout=60).status_code == 200)
    return browser


def test_the_router_adds_its_headers_and_keeps_the_rest(site: Box) -> None:
    web = site.record["web"]
    reply = session(site).post(
        f"{web}/a%2Fb/../c?d=%20e", data="body", headers={"X-Forwarded-For": "6.6.6.6", "X-Mine": "kept"}, timeout=60
    )
    found = reply.json()
    assert (found["path"], found["body"]) == ("/c?d=%20e", "body")  # requests itself resolves the dots
    headers = {name.lower(): value for name, value in found["headers"].items()}
    assert headers["host"] == web.removeprefix("http://")
    assert headers["x-mine"] == "kept"
    assert headers["x-forwarded-proto"] == "http"
    assert "6.6.6.6" not in headers["x-forwarded-for"]
    assert "authorization" not in headers
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
    assert "correct-horse" not in "".join(site.log())


@pytest.mark.parametrize(
    ("to", "leads_to"),
    [
        ("/fine/x?y=z", "/fine/x?y=z"),
        (f"http://{NAME}/fine", "/fine"),
        ("http://h//evil.example/x", "/evil.example/x"),
        ("//evil.example/x", "/x"),
        ("/\\evil.example/x", "/x"),
        ("HTTPS://evil.example", "/"),
    ],
)
def test_no_backend_leads_to_another_host(site: Box, to: str, leads_to: str) -> None:
    reply = session(site).get(f"{site.record['web']}/redirect", params={"to": to}, allow_redirects=False, timeout=60)
    assert (reply.status_code, reply.headers["Location"]) == (302, leads_to)


def test_what_is_cut_off_does_not_look_whole(site: Box) -> None:
    with pytest.raises(requests.RequestException):
        session(site).get(f"{site.record['web']}/cut", timeout=60)
    until(lambda: any("heroku[router]: at=error code=H18" in line for line in site.log()))


def test_a_websocket_goes_through(site: Box) -> None:
    browser = session(site)

    prepared = browser.prepare_request(requests.Request("GET", site.record["web"]))
    headers = {name: prepared.headers[name] for name in ("Authorization", "Cookie")}

    async def talk() -> list[str]:
        async with aiohttp.ClientSession(headers=headers) as client:
            async with client.ws_connect(f"{site.record['web']}/echo") as socket:
                await socket.send_str("one")
                await socket.send_str("two")
                return [await socket.receive_str(), await socket.receive_str()]

    assert asyncio.run(talk()) == ["echo one", "echo two"]


def test_a_restart_cuts_nobody_off(site: Box) -> None:
    """SIGTERM goes to every process of the dyno, and nginx would drop all at once."""
    browser, web = session(site), site.record["web"]
    reply = browser.get(f"{web}/slow?seconds=4", stream=True, timeout=60)
    parts = reply.iter_content(None)
    assert next(parts) == b"begun "
    site("restart", "web.1")
    assert b"".join(parts) == b"done"
    until(lambda: any("Process exited with status 0" in line for line in site.log() if "heroku[web.1]" in line))
    # The cookie of before the restart is as good as before.
    until(lambda: browser.get(f"{web}/again", timeout=60).json()["path"] == "/again")


def test_another_address_is_found(site: Box) -> None:
    browser, web = session(site), site.record["web"]
    before = site.address("pages.1")
    site("restart", "pages.1")
    until(lambda: site.address("pages.1") not in ("", before))
    until(lambda: browser.get(f"{web}/moved", timeout=60).status_code == 200, timeout_s=15)


PID_FILE = "${TMPDIR:-/tmp}/sparkspace-proxy-*/nginx.pid"  # written after the port is bound
NGINX = f"$(cat {PID_FILE})"


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        (NGINX, "sparkspace at=died what=nginx code=-9"),
        (f"$(ps -o ppid= -p {NGINX})", "Process exited with status 137"),
    ],
    ids=["nginx", "desk"],
)
def test_the_first_death_ends_both(site: Box, victim: str, said: str) -> None:
    until(lambda: site.dynos()["web.1"]["state"] == "up")
    id = site.dynos()["web.1"]["id"]
    site("run:inside", "web.1", f"until cat {PID_FILE} >/dev/null; do sleep 0.1; done; kill -KILL {victim}", code=None)
    until(lambda: site.dynos()["web.1"]["id"] != id)
    assert any(said in line for line in site.log())
    until(lambda: site.dynos()["web.1"]["state"] == "up")
    until(lambda: session(site).get(f"{site.record['web']}/back", timeout=60).status_code == 200)


def test_no_web_dyno_is_said(site: Box) -> None:
    site("scale", "web=0")
    until(lambda: "web.1" not in site.dynos())
    reply = requests.get(site.record["web"], timeout=60)
    assert (reply.status_code, "H14" in reply.text) == (503, True)
    assert any("heroku[router]: at=error code=H14" in line for line in site.log())
    site("scale", "web=1")
    assert requests.get(f"{site.record['web']}/healthz", timeout=60).text == "down\n"  # no master here


def test_open_prints_the_url_with_its_user(site: Box) -> None:
    host = site.record["web"].removeprefix("http://")
    done = site("open")
    assert done.stdout == f"http://reader@{host}/sparkspace/\n"
    assert "correct-horse" not in done.stdout + done.stderr
    assert site.out("open", "/notebook/") == f"http://reader@{host}/notebook/\n"
    assert session(site).get(f"http://{host}/sparkspace/", timeout=60).status_code == 200


def test_many_at_once(site: Box) -> None:
    """A page of Spark's loads a dozen files at once; here forty browsers do."""
    browser, web = session(site), site.record["web"]
    codes: list[int] = []

    def fetch() -> None:
        for _ in range(5):
            codes.append(browser.get(f"{web}/x", timeout=60).status_code)

    threads = [threading.Thread(target=fetch) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 200


def test_a_web_dyno_that_dies_before_it_listens_is_started_again(app: Box) -> None:
    tiny_app(app.folder, "web: sleep 1; exit 3\n")
    app("up", "--detach")
    until(lambda: sum("Process exited with status 3" in line for line in app.log()) >= 3, timeout_s=30)


def test_an_app_without_web_has_no_url(app: Box, tmp_path: Path) -> None:
    app("up", "--detach")
    assert app.record["web"] == ""
    done = app("open", code=73)
    assert "no process type 'web'" in done.stderr
