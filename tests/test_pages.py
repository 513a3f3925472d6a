"""Our own pages, as text: whatever applications call themselves, nothing but text becomes of it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sparkspace.cluster.master import Application, MasterStatus, Worker
from sparkspace.proxy.lookout import View
from sparkspace.proxy.pages import ASSETS, TEMPLATES, Pages, duration, gigabytes

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">\'&{{ 7*7 }}'
MASTER, STANDBY = "1.master.myapp.app.localspace", "2.master.myapp.app.localspace"
WORKER, OTHER = "1.worker.myapp.app.localspace:8081", "1.job.reports.app.localspace:4040"
WORKERS = (
    Worker("worker-1", "10.0.0.2", "ALIVE", 4, 3, 11915, 4096, f"http://{WORKER}"),
    Worker("worker-2", "10.0.0.3", "ALIVE", 4, 0, 1536, 0, "http://2.worker.myapp.app.localspace:8081"),
    Worker("worker-3", "10.0.0.4", "DEAD", 8, 0, 1536, 0, "http://3.worker.myapp.app.localspace:8081"),
)
RUNNING = Application("app-20261121043103-0000", "a job", "root", "RUNNING", 3, 4096, 7261.5)
FINISHED = Application("app-20261121043103-0001", "an old job", "ann", "FINISHED", 1, 1024, 59.9)
LEADER = MasterStatus(f"http://{MASTER}:8080", "ALIVE", WORKERS, (RUNNING,), (FINISHED,))
MASTERS = (LEADER, MasterStatus(f"http://{STANDBY}:8080", "DOWN", problem="connection refused"))
VIEW = View(
    masters=MASTERS,
    leader=LEADER,
    master="10.0.0.1:8080",
    default="10.0.0.1:8080",
    history="10.0.0.9:18080",
    notebook="10.0.0.8:8888",
    history_host="1.history.myapp.app.localspace",
    chosen={OTHER: "10.0.0.7:4040"},
)
# Name → what the desk hands it.
MESSAGES: dict[str, dict[str, object]] = {
    "absent": {"backend": EVIL},
    "banned": {"retry_s": 60},
    "foreign": {},
    "foreign-choice": {"choice": EVIL, "again": f"/set-backend/{WORKER}"},
    "forged": {},
    "gone": {"application": EVIL},
    "login": {},
    "no-notebook": {},
    "no-history": {},
    "nobody": {"retry_s": 3, "masters": (MasterStatus("http://a", "DOWN", problem=EVIL),), "missing": EVIL},
    "refused": {"choice": EVIL, "apps": ["myapp", "reports"], "app": "myapp"},
    "unreachable": {"backend": EVIL, "retry_s": 3},
}
# Tags that need no end (html.spec.whatwg.org, "void elements").
VOID = {"meta", "link", "input", "img"}


class Page(HTMLParser):
    """What a browser sees of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.images = 0
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [], "not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where it leads, and what it runs."""
        if tag not in VOID:
            self.open.append(tag)
        self.images += tag == "img"
        self.text += " "
        for name, value in attrs:
            if name in ("href", "src", "action", "data-from", "srcset", "formaction"):
                self.links.append((f"{tag} {name}", value or ""))
            self.handlers += [name] if name.startswith("on") or name == "style" else []

    def handle_endtag(self, tag: str) -> None:
        """Tags end in the order they must."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Script in the page itself is what the policy forbids."""
        if self.open and self.open[-1] in ("script", "style"):
            self.scripts += [data] if data.strip() else []
        self.text += data

    @property
    def words(self) -> str:
        """The text, as wide as it is shown."""
        return " ".join(self.text.split())


def every_page(url: str, view: View = VIEW, shown: str = "") -> dict[str, str]:
    pages = Pages("myapp", url)
    texts = {name: pages.message(name, **{"retry_s": 0, **facts}) for name, facts in MESSAGES.items()}
    return {**texts, "start": pages.start(view, shown), "overview": pages.overview(view, shown)}


def evil(view: View) -> View:
    """Everything that others decide on is markup."""
    workers = tuple(replace(each, id=EVIL, host=EVIL, state=EVIL, page="") for each in WORKERS)
    alive = tuple(replace(each, id=EVIL, host=EVIL, page="") for each in WORKERS)
    apps = tuple(replace(each, id=EVIL, name=EVIL, user=EVIL, state=EVIL) for each in (RUNNING, FINISHED))
    leader = replace(LEADER, workers=workers + alive, applications=apps, finished=apps)
    return replace(view, masters=(leader, MasterStatus("http://a:8080", EVIL, problem=EVIL)), leader=leader)


def test_every_template_is_a_page_here() -> None:
    found = {path.name.partition(".")[0] for path in TEMPLATES.glob("*.j2")}
    assert found == {*every_page(""), "base", "message"}
    assert {path.name for path in TEMPLATES.iterdir() if path.suffix != ".j2"} == set(ASSETS)


VIEWS = [View(), View(masters=(MasterStatus("http://a", "DOWN", problem="x"),)), VIEW, evil(VIEW)]
URLS = ["", "https://spark.example.com", "https://gateway.example.com/a.b/spark"]


@pytest.mark.parametrize("view", VIEWS, ids=["nothing", "no-leader", "all", "evil"])
@pytest.mark.parametrize("url", URLS)
def test_pages_lead_nowhere_else_and_run_nothing(url: str, view: View) -> None:
    prefix = url.removeprefix("https://").partition("/")[2]
    prefix = f"/{prefix}" if prefix else ""
    for name, text in every_page(url, view, WORKER).items():
        page = Page(text)
        wrong = [(what, to) for what, to in page.links if not re.match(rf"{re.escape(prefix)}/(?!/)|data:,$", to)]
        assert (name, wrong) == (name, [])
        assert (name, page.scripts, page.handlers, page.images) == (name, [], [], 0)
        assert "{{" not in text.replace("{{ 7*7 }}", "") and "49" not in page.text, name


def test_what_others_call_themselves_is_text() -> None:
    for name, text in every_page("", evil(VIEW), EVIL).items():
        assert "<script>alert" not in text and "<img" not in text, name
        if name not in ("banned", "foreign", "forged", "gone", "login", "no-history", "no-notebook"):
            assert EVIL in Page(text).text, name


@pytest.mark.parametrize("url", URLS)
def test_error_pages_are_whole_documents(url: str) -> None:
    for name, text in every_page(url).items():
        assert (name, text.startswith('<!doctype html>\n<html lang="en">')) == (name, name != "overview")


@pytest.mark.parametrize(
    ("name", "refresh"),
    [("nobody", '<meta http-equiv="refresh" content="3">'), ("unreachable", '<meta http-equiv="refresh" content="3">'),
     ("banned", ""), ("absent", ""), ("login", "")],
)  # fmt: skip
def test_pages_that_look_again(name: str, refresh: str) -> None:
    assert ("".join(re.findall(r'<meta http-equiv="refresh"[^>]*>', every_page("")[name]))) == refresh


def test_start_page_shows_the_cluster() -> None:
    page = Page(Pages("myapp", "https://x.example/ui").start(VIEW, ""))
    for words in (
        "ALIVE master", "2 workers", "3 of 8 cores used", "1 application running",
        "a job RUNNING · 3 cores · 4.0 GB an executor · root · for 2 h app-20261121043103-0000",
        "master.1 ALIVE master.2 DOWN connection refused",
        "worker.1 ALIVE cores 3 of 4 memory 4.0 GB of 11.6 GB worker.2 ALIVE", "worker.3 DEAD",
        "an old job FINISHED ann · ran for 59 s", "Open JupyterLab",
        "This browser is shown the master that is ALIVE at the root of this site.",
    ):  # fmt: skip
        assert words in page.words
    links = [to for what, to in page.links if what == "a href"]
    assert links == [
        "/ui/sparkspace/",
        f"/ui/proxy/{RUNNING.id}/jobs/",
        "/ui/set-backend/default",
        "/ui/proxy/worker-1/",
        "/ui/proxy/worker-2/",
        "/ui/finished/",
        f"/ui/finished/history/{FINISHED.id}/jobs/",
        "/ui/notebook/",
        f"/ui/set-backend/{MASTER}:8080",
        f"/ui/set-backend/{STANDBY}:8080",
        f"/ui/set-backend/{WORKER}",
        "/ui/set-backend/2.worker.myapp.app.localspace:8081",
        "/ui/set-backend/1.history.myapp.app.localspace:18080",
    ]
    assert ("form action", "/ui/set-backend") in page.links
    assert ("div data-from", "/ui/sparkspace/overview") in page.links


def test_start_page_of_a_cluster_that_is_not_there() -> None:
    page = Page(Pages("myapp", "").start(View(), ""))
    for words in ("DOWN master", "0 workers", "0 of 0 cores used", "0 applications running", "No history server runs."):
        assert words in page.words
    assert [to for what, to in page.links if what == "a href"] == ["/sparkspace/"]


def test_choice_of_the_browser_is_marked() -> None:
    pages = Pages("myapp", "")
    text = pages.start(VIEW, WORKER)
    assert re.findall(r'<a href="(\S+)" aria-current="true">(.*)</a>', text) == [(f"/set-backend/{WORKER}", "worker.1")]
    assert "This browser is shown worker.1 at the root of this site." in Page(text).words
    late = "7.job.myapp.app.localspace:4041"
    assert f'<a href="/set-backend/{late}" aria-current="true">job.7:4041</a>' in pages.start(VIEW, late)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (MASTER, "master.1"),
        (f"{MASTER}:8080", "master.1"),
        (WORKER, "worker.1"),
        ("1.job.myapp.app.localspace:4040", "job.1:4040"),
        (OTHER, OTHER),
        ("1.master.reports.app.localspace", "1.master.reports.app.localspace"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:8080", "10.0.0.1:8080"),
        ("", ""),
        (EVIL, EVIL),
    ],
)
def test_name(host: str, name: str) -> None:
    assert Pages("myapp", "").name(host) == name


@pytest.mark.parametrize("name", ASSETS)
def test_assets_load_nothing(name: str) -> None:
    text = Pages("myapp", "").asset(name)
    assert not re.search(r"https?:|url\(|@import|eval|document\.write", text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_399, "23 h"), (200_000, "2 d")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("mb", "text"), [(0, "0.0 GB"), (512, "0.5 GB"), (11915, "11.6 GB")])
def test_gigabytes(mb: int, text: str) -> None:
    assert gigabytes(mb) == text
