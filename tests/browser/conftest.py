"""A real browser, and a way into the web process of a box."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import urllib3
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from ..box.conftest import Box, until

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BUSY = (Path(__file__).parent / "busy.py").relative_to(Path(__file__).parent.parent.parent)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless. While it is open no other event loop can run in this thread."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium (on Ubuntu: Google's package of Chrome)")
    with sync_playwright() as playwright:
        # No sandbox: a container has no user namespaces to make one of, and the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with the password of a box's web process."""

    box: Box
    url: str
    session: requests.Session

    @classmethod
    def of(cls, box: Box) -> Visitor:
        """Log in with the password that the box has."""
        user, _, password = box.out("config:get", "SPACE_PROXY_BASIC_AUTH").strip().partition(":{PLAIN}")
        session = requests.Session()
        session.auth = (user, password)
        session.verify = False
        session.trust_env = False  # a bundle of authorities named there would be asked all the same
        urllib3.disable_warnings()  # of the certificate, which is the box's own
        return cls(box, box.record["web"], session)

    def get(self, path: str, **options: object) -> requests.Response:
        """Ask, without following redirects."""
        return self.session.get(self.url + path, timeout=60, allow_redirects=False, **options)  # type: ignore[arg-type]

    def context(self, browser: Browser) -> BrowserContext:
        """A browser that is logged in."""
        assert isinstance(self.session.auth, tuple)
        user, password = self.session.auth
        return browser.new_context(http_credentials={"username": user, "password": password}, ignore_https_errors=True)

    def applications(self, kind: str = "activeapps") -> list[str]:
        """The ids of applications, as the ALIVE master's page has them."""
        return [application["id"] for application in json.loads(self.get("/json/").text)[kind]]


def busy(box: Box) -> tuple[str, str]:
    """Start an application with something on every page. Returns its id, and the dyno of its driver."""
    before = set(box.dynos())
    box("run", "--detach", f"bin/spark-submit --total-executor-cores 2 {BUSY}")
    dyno = (set(box.dynos()) - before).pop()
    until(lambda: box.said(dyno, "busy"), timeout_s=180)
    return Visitor.of(box).applications()[0], dyno
