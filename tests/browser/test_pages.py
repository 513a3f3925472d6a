"""Every page of a running cluster, in a real browser, through the web process: with a URL of its own and without."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from ..box.conftest import Box, copy_of_repository, until
from ..box.inside import ZOOKEEPER
from .conftest import Visitor, busy
from .crawler import Crawler, screenshot

pytestmark = [pytest.mark.box, pytest.mark.spark]

# Pages of every kind that a crawl has to come by. N: an id or a number.
APPLICATION = {
    "/jobs/", "/jobs/job/?id", "/stages/", "/stages/stage/?attempt&id", "/storage/", "/storage/rdd/?id",
    "/environment/", "/executors/", "/executors/threadDump/?executorId", "/SQL/", "/SQL/execution/?id",
    "/StreamingQuery/", "/StreamingQuery/statistics/?id",
}  # fmt: skip
CLUSTER = {"/", "/environment/", "/app/?appId", "/logPage/?logType&self", "/proxy/N", "/sparkspace/"}
WORKER = {"/proxy/N/logPage/?logType&self", "/proxy/N/logPage/?appId&executorId&logType"}
FOLLOWED_WITHIN_S = 10
SHOWN_WITHIN_MS = 60_000


def crawl(visitor: Visitor, browser: Browser, *starts: str, **bounds: str) -> set[str]:
    """Follow every link; returns the kinds of pages there were."""
    context = visitor.context(browser)
    assert isinstance(visitor.session.auth, tuple)
    found = Crawler(visitor.url, *visitor.session.auth, context).crawl(*starts, **bounds)
    context.close()
    failed = (line for line in visitor.box.log() if " status=5" in line or "=unreachable" in line)
    assert found.problems == [], "\n".join(failed)
    return set(found.shown)


def everything(application: str) -> tuple[str, ...]:
    """Where a crawl of a running cluster starts: the last page is one that only a script's column links to."""
    return "/", "/sparkspace/", f"/proxy/{application}/executors/threadDump/?executorId=driver"


def test_every_page_works_without_a_url(cluster: Box, chromium: Browser, tmp_path: Path) -> None:
    application, driver = busy(cluster)
    try:
        visitor = Visitor.of(cluster)
        kinds = crawl(visitor, chromium, *everything(application), beside="/finished/")  # no history server runs
        assert CLUSTER | WORKER | {f"/proxy/N{page}" for page in APPLICATION} <= kinds
        see_the_start_page(visitor, chromium, tmp_path)
    finally:
        cluster("stop", driver)


def see_the_start_page(visitor: Visitor, browser: Browser, folder: Path) -> None:
    """What a person sees on it, at a desk and on a phone, where nothing is to be wider than the screen."""
    context = visitor.context(browser)
    page = context.new_page()
    for name, width in (("desk", 1280), ("phone", 360)):
        screenshot(page, f"{visitor.url}/sparkspace/", width, 800, str(folder / f"{name}.png"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    text = page.inner_text("main")
    for words in ("ALIVE", "master.1", "worker.1", "worker.2", "busy <i>& more</i>", "No history server runs"):
        assert words in text
    assert re.search(r"\b2 of \d+\b", text)  # cores
    page.click("text=busy <i>& more</i>")
    expect(page.locator("body")).to_contain_text("Spark Jobs", timeout=SHOWN_WITHIN_MS)
    page.goto(f"{visitor.url}/sparkspace/")
    page.fill("#to", "2.worker.sparkspace.app.localspace:8081")
    page.click("button")
    expect(page.locator("body")).to_contain_text("Spark Worker", timeout=SHOWN_WITHIN_MS)
    page.goto(f"{visitor.url}/sparkspace/")
    page.click("text=Back to the master that is ALIVE")
    expect(page.locator("body")).to_contain_text("Spark Master", timeout=SHOWN_WITHIN_MS)
    context.close()


def test_it_refreshes_itself(cluster: Box, chromium: Browser) -> None:
    context = Visitor.of(cluster).context(chromium)
    page = context.new_page()
    page.goto(f"{cluster.record['web']}/sparkspace/")
    page.evaluate("document.querySelector('#overview h2').remove()")
    page.wait_for_selector("#overview h2:has-text('Running applications')", timeout=30_000)
    context.close()


def test_the_readme_of_old(cluster: Box) -> None:
    """``/set-backend/N.type.app.app.localspace:port``, as spark-in-space's README has it, from 401 to the page."""
    visitor = Visitor.of(cluster)
    name = "2.worker.sparkspace.app.localspace:8081"
    stranger = visitor.session.get(f"{visitor.url}/set-backend/{name}", auth=("", ""), timeout=60)
    assert stranger.status_code == 401
    assert "Spark Master at spark://" in visitor.get("/").text
    chosen = visitor.get(f"/set-backend/{name}")
    assert (chosen.status_code, chosen.headers["Location"]) == (302, "/")
    assert re.search(r"; HttpOnly;.* SameSite=Lax", chosen.headers["Set-Cookie"])
    assert "Spark Worker at " in visitor.get("/").text
    visitor.get("/set-backend/default")
    assert "Spark Master at spark://" in visitor.get("/").text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box behind TLS, with a URL of its own, two masters that elect a leader, and a history server."""
    box = copy_of_repository(tmp_path_factory.mktemp("public") / "repository")
    with (box.folder / "Procfile").open("a") as procfile:
        procfile.write(ZOOKEEPER)
    quantities = {"web": 1, "zk": 1, "master": 2, "worker": 1, "history": 1}
    formation = ", ".join(f'"{type}": {{"quantity": {quantity}}}' for type, quantity in quantities.items())
    (box.folder / "app.json").write_text(f'{{"formation": {{{formation}}}}}')
    port = free_port()
    env = {
        "SPARK_MASTERS": "2",
        "SPARK_ZK_ZOOKEEPER_URL": "zookeeper://1.zk.sparkspace.app.localspace:2181",
        "SPARK_REVERSE_PROXY_URL": f"https://127.0.0.1:{port}",
    }
    box("up", "--detach", "--tls", "--web-port", str(port), env=env)
    try:
        box("wait", "--workers", "1", "--timeout", "180")
        yield box
    finally:
        box("down")


@pytest.fixture(scope="module")
def running(public: Box) -> tuple[str, str]:
    """An application of that box, and the dyno of its driver."""
    return busy(public)


def test_every_page_works_behind_tls_with_a_url(public: Box, running: tuple[str, str], chromium: Browser) -> None:
    kinds = crawl(Visitor.of(public), chromium, *everything(running[0]))
    pages = {f"/proxy/N{page}" for page in APPLICATION}
    assert CLUSTER | WORKER | pages | {"/finished/", "/finished/?showIncomplete"} <= kinds


def test_without_tls_one_is_sent_to_it(public: Box) -> None:
    ask = "curl -si http://1.web.sparkspace.app.localspace:5000/jobs/?a=b -H 'X-Forwarded-Proto: http'"
    reply = public.out("run", ask)
    assert reply.startswith("HTTP/1.1 301")
    assert f"Location: {public.record['web']}/jobs/?a=b" in reply.replace("\r", "")
    secured = Visitor.of(public).get("/set-backend/1.worker.sparkspace.app.localspace:8081")
    assert "; Secure" in secured.headers["Set-Cookie"]
    assert secured.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_finished_application_outlives_every_dyno(public: Box, running: tuple[str, str], chromium: Browser) -> None:
    visitor = Visitor.of(public)
    application, driver = running
    public("stop", driver)
    until(lambda: application in visitor.applications("completedapps"), timeout_s=90)
    public("restart")
    history = f"/finished/history/{application}/jobs/"
    until(lambda: "Completed Jobs" in visitor.get(history).text, timeout_s=180)
    kinds = crawl(visitor, chromium, "/finished/", history, below="/finished/")
    # What is only in memory goes with the driver.
    kept = {page for page in APPLICATION if "threadDump" not in page and "rdd" not in page}
    assert {f"/finished/history/N{page}" for page in kept} | {"/finished/", "/finished/?showIncomplete"} <= kinds
    gone = visitor.get(f"/proxy/{application}/jobs/")
    assert (gone.status_code, f'href="{history}"' in gone.text) == (404, True)


def alive(box: Box) -> str:
    """The host of the master that says ALIVE, asked inside the box; empty: none does."""
    masters = json.loads(box.out("status", "--json"))["masters"]
    return next((urlsplit(master["url"]).hostname for master in masters if master["state"] == "ALIVE"), "") or ""


def test_the_other_master_is_shown_after_a_failover(public: Box) -> None:
    visitor = Visitor.of(public)
    until(lambda: alive(public) and visitor.get("/").status_code == 200, timeout_s=120)
    first = alive(public)
    number, kind, _ = first.split(".", 2)
    public("stop", f"{kind}.{number}")
    until(lambda: alive(public) not in ("", first), timeout_s=180)
    other = public.address(f"master.{3 - int(number)}")
    until(lambda: f"Spark Master at spark://{other}:7077" in visitor.get("/").text, timeout_s=FOLLOWED_WITHIN_S)
    assert visitor.session.get(f"{visitor.url}/healthz", timeout=60).text == "up\n"
