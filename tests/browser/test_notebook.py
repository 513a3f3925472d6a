"""A notebook in a real browser, through the web process: its library edited, idle, and its dyno restarted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from ..box.conftest import Box, copy_of_repository, until
from ..s3 import artifacts
from ..s3.conftest import Store, prepare, settings
from .conftest import Visitor

pytest.importorskip("jupyterlab", reason="scripts/setup dev brings JupyterLab")
pytestmark = [pytest.mark.box, pytest.mark.spark, pytest.mark.timeout(1200)]

FOLDER = "team of ann"
NOTEBOOK, MODULE = f"{FOLDER}/rates.ipynb", f"{FOLDER}/fares.py"
SOURCE = "def rate(x):\n    return x * {}\n"
SHOWN_WITHIN_MS = 240_000  # a session begins, and the machine may have other work
IDLE_S = 4


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a bucket, a worker, and a notebook dyno. Dynamic allocation is not asked for."""
    box = copy_of_repository(tmp_path_factory.mktemp("notebook") / "repository")
    prepare(box, artifacts.server().relative_to(artifacts.ROOT))
    (box.folder / "app.json").write_text(json.dumps({"formation": {name: {"quantity": 1} for name in FORMATION}}))
    more = {"SPARK_WORKER_CORES": "2", "SPARKSPACE_DYNAMIC_ALLOCATION_IDLE_S": str(IDLE_S)}
    (box.folder / ".env").write_text(settings() + "".join(f"{name}={value}\n" for name, value in more.items()))
    box("up", "--detach", "--size", "notebook=Private-L")
    try:
        until(lambda: Store(box).ask("PUT", "")[0] == 200)
        box("wait", "--workers", "1", "--timeout", "180")
        box("scale", "notebook=1")
        yield box
    finally:
        box("down")


FAILED = '[data-mime-type="application/vnd.jupyter.error"]'
FORMATION = ("s3", "web", "master", "worker")


class Lab:
    """JupyterLab as somebody with the password sees it."""

    def __init__(self, context: BrowserContext, visitor: Visitor) -> None:
        self.visitor = visitor
        self.context = context
        self.page = context.new_page()

    def put(self, path: str, model: dict[str, object]) -> None:
        """Save something, as JupyterLab's own pages do."""
        self.page.goto(f"{self.visitor.url}/notebook/lab?reset")
        done = self.page.evaluate(
            """async ([path, model]) => {
                const token = document.cookie.match(/_xsrf=([^;]*)/)[1]
                const reply = await fetch("/notebook/api/contents/" + path, {
                    method: "PUT", headers: {"X-XSRFToken": token}, body: JSON.stringify(model)})
                return reply.status
            }""",
            [path, model],
        )
        assert done in (200, 201)

    def started(self) -> str:
        """When the server that answers began; empty: none answers."""
        reply = self.visitor.get("/notebook/api/status")
        return str(reply.json()["started"]) if reply.status_code == 200 else ""

    def saved(self, path: str) -> str:
        """What is in the bucket, as JupyterLab has it."""
        reply = self.visitor.get(f"/notebook/api/contents/{path}?type=file&format=text")
        assert reply.status_code == 200, reply.text
        return str(reply.json()["content"])

    def open(self, path: str, shows: str) -> Locator:
        """Open a document; returns the part of the page that shows it."""
        self.page.goto(f"{self.visitor.url}/notebook/lab/tree/{path}?reset")
        found = self.page.locator(shows)
        expect(found).to_be_visible(timeout=SHOWN_WITHIN_MS)
        return found

    def edit(self, path: str, text: str) -> None:
        """Open a file in the editor, write something else, and save it."""
        editor = self.open(path, ".jp-FileEditor .cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Control+s")
        until(lambda: self.saved(path) == text)

    def run(self, source: str) -> Locator:
        """Write into the last cell of the notebook and run it; returns the cell when it has ended."""
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("PySpark | Idle", timeout=SHOWN_WITHIN_MS)
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        cell = cells.nth(cells.count() - 1)
        cell.locator(".cm-content").click()
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        expect(cell.locator(".jp-InputPrompt")).to_have_text(DONE, timeout=SHOWN_WITHIN_MS)
        assert cell.locator(FAILED).count() == 0, cell.inner_text()
        return cell


DONE = re.compile(r"\[\d+\]:")


@pytest.fixture
def lab(box: Box, chromium: Browser) -> Iterator[Lab]:
    """Logged in."""
    visitor = Visitor.of(box)
    until(lambda: visitor.get("/notebook/api/status").status_code == 200, timeout_s=120)
    context = visitor.context(chromium)
    yield Lab(context, visitor)
    context.close()


def result(cell: Locator) -> str:
    """What a cell's last line is."""
    found = cell.locator(".jp-OutputArea-executeResult .jp-OutputArea-output")
    assert found.count() == 1, cell.inner_text()
    return found.inner_text().strip()


def cores(visitor: Visitor) -> list[int]:
    """How many cores each application has."""
    return [application["cores"] for application in json.loads(visitor.get("/json/").text)["activeapps"]]


def test_nobody_gets_in_past_the_web_process(box: Box, lab: Lab) -> None:
    url = "http://1.notebook.sparkspace.app.localspace:8888/notebook"
    for path in ("api/contents", "lab", "api/kernels", "files/x"):
        said = box.out("run", f"curl -s -o /dev/null -w '%{{http_code}} %{{redirect_url}}' {url}/{path}")
        assert said.split()[0] in ("302", "403"), said
        assert "/notebook/login" in said or said.startswith("403")
    assert lab.visitor.session.get(f"{lab.visitor.url}/notebook/lab", auth=("", ""), timeout=60).status_code == 401


def test_a_notebook(box: Box, lab: Lab) -> None:
    visitor = lab.visitor
    lab.put(FOLDER, {"type": "directory"})
    lab.put(MODULE, {"type": "file", "format": "text", "content": SOURCE.format(10)})
    lab.put(NOTEBOOK, {"type": "notebook", "format": "json", "content": EMPTY})

    # Nothing is begun before it is needed; then the library beside the notebook goes along.
    lab.open(NOTEBOOK, ".jp-Notebook")
    lab.run("from fares import rate; numbers = range(100)")
    assert cores(visitor) == []
    first = lab.run("sc.parallelize(numbers, 8).map(rate).sum()")
    assert result(first) == "49500"
    assert sum(cores(visitor)) > 0
    lab.run("from pyspark.sql.functions import udf; fare = udf(rate, 'long')")
    rates = "[row[0] for row in spark.range(4).select(fare('id')).collect()]"
    assert result(lab.run(rates)) == "[0, 10, 20, 30]"

    # A file can be downloaded, and a page of somebody else's can't have it.
    here, there = ({"Referer": f"{url}/notebook/lab"} for url in (visitor.url, "https://example.com"))
    assert visitor.get(f"/notebook/files/{MODULE}?download=1", headers=here).text == SOURCE.format(10)
    assert visitor.get(f"/notebook/files/{MODULE}?download=1", headers=there).status_code in (403, 404)

    # What runs is shown below the cell, and Spark's own pages are a click away.
    expect(first.locator(".pm")).to_contain_text("COMPLETED")
    with lab.context.expect_page() as opened:
        first.get_by_role("link", name="Spark UI").first.click()
    expect(opened.value.locator("body")).to_contain_text("Spark Jobs", timeout=SHOWN_WITHIN_MS)

    # An edit in JupyterLab's editor is what the next line runs, on the driver and the executors.
    Lab(lab.context, visitor).edit(MODULE, SOURCE.format(20))
    assert result(lab.run("rate(1), sc.parallelize(numbers, 8).map(rate).sum()")) == "(20, 99000)"
    assert result(lab.run(rates)) == "[0, 20, 40, 60]"

    # Idle, it gives everything back.
    assert sum(cores(visitor)) > 0
    until(lambda: cores(visitor) == [0], timeout_s=60 + IDLE_S)

    # The dyno and its disk go; the notebook is in the bucket.
    lab.page.keyboard.press("Control+s")
    until(lambda: "[0, 20, 40, 60]" in lab.saved(NOTEBOOK))
    before = lab.started()
    assert before
    box("restart", "notebook.1")
    until(lambda: lab.started() not in (before, ""), timeout_s=120)  # the old dyno still answers for a moment
    again = Lab(lab.context, visitor)
    shown = again.open(NOTEBOOK, ".jp-Notebook")
    expect(shown).to_contain_text("[0, 20, 40, 60]", timeout=SHOWN_WITHIN_MS)
    assert result(again.run("from fares import rate; sc.parallelize(range(100), 8).map(rate).sum()")) == "99000"


def test_a_terminal(box: Box, lab: Lab) -> None:
    """A shell of the notebook's dyno, where kernels are, with the cluster's commands."""
    lab.page.goto(f"{lab.visitor.url}/notebook/lab?reset")
    lab.page.locator(".jp-LauncherCard[title='Start a new terminal session']").click()
    lab.page.locator(".jp-Terminal .xterm-helper-textarea").focus()
    lab.page.keyboard.type("(echo ${0##*/}; pwd; master-url) > ~/said\n")
    until(lambda: "spark://" in box.out("run:inside", "notebook.1", "cat ~/said", code=None))
    assert box.out("run:inside", "notebook.1", "cat ~/said").split() == ["bash", "/tmp/notebooks", MASTER]


MASTER = "spark://1.master.sparkspace.app.localspace:7077"
EMPTY = {
    "cells": [
        {"cell_type": "code", "id": "first", "metadata": {}, "source": "", "outputs": [], "execution_count": None}
    ],
    "metadata": {"kernelspec": {"name": "pyspark", "display_name": "PySpark", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
