"""Follows every link of a site: all of them by HTTP, and a page of every kind in a real Chromium."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

import requests
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response

# Addresses that mean nothing outside of the space.
PRIVATE = re.compile(
    r"\b(10\.\d+\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|192\.168\.\d+\.\d+|[\w.-]+\.localspace)\b"
)
# Spark 4.3's master loads a script of its page "Environment" as what it is not, whoever asks.
SPARKS_OWN = ("/environment/: Cannot use import statement outside a module",)
ORDER = re.compile(r"\.(sort|desc|pageSize|page)$")  # the same page in another order
ORDERS = 3  # of so many pages that differ in nothing else, the rest shows nothing new
MOST_PAGES = 600


@dataclass
class Found:
    """What a crawl found."""

    problems: list[str] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)
    shown: dict[str, str] = field(default_factory=dict)  # kind → the URL that was shown in the browser


class Links(HTMLParser):
    """Everything in a page that leads or loads from somewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (name in ("href", "src") or (name == "action" and tag == "form")) and value:
                self.found.append(value)


def kind(url: str) -> str:
    """A URL without what differs between things of one kind: ids, numbers, and the order of rows."""
    parts = urlsplit(url)
    path = re.sub(r"(app|worker)-[\w.-]+|local-\d+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "N", parts.path)
    query = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if not ORDER.search(name)})
    return f"{path}?{'&'.join(query)}" if query else path


class Crawler:
    """Crawls from ``base``, whose links may lead nowhere else."""

    def __init__(self, base: str, user: str, password: str, context: BrowserContext) -> None:
        self.base = base
        self.found = Found()
        self._orders: Counter[str] = Counter()  # kind → pages seen of it in some order of rows
        self._session = requests.Session()
        self._session.auth = (user, password)
        self._session.verify = False
        self._session.trust_env = False  # a bundle of authorities named there would be asked all the same
        self._page = context.new_page()
        self._page.on("response", self._on_response)
        self._page.on("console", self._on_console)
        self._page.on("pageerror", lambda error: self._problem(f"script error in {self._page.url}: {error}"))
        self._page.on("requestfailed", lambda request: self._on_failed(request.url, request.failure or ""))

    def crawl(self, *starts: str, below: str = "/", beside: str = "#") -> Found:
        """Follow all links from these paths on that lead to a path below one, and not below another."""
        waiting = [urljoin(self.base, start) for start in starts]
        while waiting and len(self.found.fetched) < MOST_PAGES:
            url = waiting.pop(0)
            path = url.removeprefix(self.base)
            if url in self.found.fetched or not path.startswith(below) or path.startswith(beside) or self._again(url):
                continue
            self.found.fetched.add(url)
            waiting += self._visit(url)
        assert not waiting, f"more than {MOST_PAGES} pages: a crawl of them all never ends"
        return self.found

    def _again(self, url: str) -> bool:
        """Whether a page has been seen in other orders often enough."""
        if not any(ORDER.search(name) for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
            return False
        self._orders[kind(url)] += 1
        return self._orders[kind(url)] > ORDERS

    def _visit(self, url: str) -> Iterator[str]:
        reply = self._session.get(url, timeout=60)
        if reply.status_code >= 400:
            self._problem(f"{reply.status_code} for {url}")
            return
        if "text/html" not in reply.headers.get("Content-Type", ""):
            return
        yield from self._own(url, Links(reply.text).found)
        if kind(url) not in self.found.shown:
            self.found.shown[kind(url)] = url
            yield from self._own(url, self._show(url))

    def _show(self, url: str) -> list[str]:
        """Load the page in the browser, with all its scripts; the links that are there then."""
        self._page.goto(url, wait_until="networkidle", timeout=60_000)
        links: list[str] = self._page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
        return links

    def _own(self, url: str, links: list[str]) -> Iterator[str]:
        for link in links:
            if link.startswith(("#", "javascript:", "data:", "mailto:")):
                continue
            target = urldefrag(urljoin(url, link)).url
            own = target.startswith(self.base)
            if PRIVATE.search(urlsplit(target).netloc) and not own:
                self._problem(f"{url} links to the private {target}")
            elif own and "/set-backend/" not in target:  # which would change what the others show
                yield target

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._problem(f"{response.status} for {response.url} in {self._page.url}")
        if not response.url.startswith((self.base, "data:")):
            self._problem(f"{self._page.url} loads the foreign {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._problem(f"console of {self._page.url}: {message.text}")

    def _on_failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # a poll that the next page cut off
            self._problem(f"{url} failed: {why}")

    def _problem(self, text: str) -> None:
        if text not in self.found.problems and not text.endswith(SPARKS_OWN):
            self.found.problems.append(text)


def screenshot(page: Page, url: str, width: int, height: int, path: str) -> None:
    """A picture of a page, as a screen of that size shows it, whole."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=path, full_page=True)
