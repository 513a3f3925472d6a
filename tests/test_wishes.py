"""What applications ask for, as their drivers' pages say it behind the master's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sparkspace.cluster.master import Application, MasterStatus
from sparkspace.cycling.scaling import Wish
from sparkspace.cycling.wishes import Wishes
from sparkspace.sizing import Capacity

WORKER = Capacity(4000, 4)
ID = "app-1"


class Pages(ThreadingHTTPServer):
    """Serves JSON by path; else 404. ``asked``: the paths."""

    def __init__(self) -> None:
        self.pages: dict[str, object] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def has(self, **properties: str) -> None:
        """The driver has these properties, with a "_" for each dot."""
        pairs = [[f"spark.{key.replace('_', '.')}", value] for key, value in properties.items()]
        self.pages[f"/proxy/{ID}/api/v1/applications/{ID}/environment"] = {"sparkProperties": pairs}

    def wants(self, wanted: object, present: object) -> None:
        """The driver has dynamic allocation."""
        name = f"{ID}.driver.ExecutorAllocationManager.executors.number"
        gauges = {f"{name}TargetExecutors": {"value": wanted}, f"{name}AllExecutors": {"value": present}}
        self.pages[f"/proxy/{ID}/metrics/json/"] = {"gauges": {"jvm.heap": {"value": 1}, **gauges}}


class Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path not in self.server.pages:
            self.send_error(404)
            return
        content = json.dumps(self.server.pages[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


@pytest.fixture
def pages() -> Iterator[Pages]:
    with Pages() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def asked(pages: Pages, cores: int = 0, memory_mb: int = 1000) -> list[Wish]:
    """What an application with so many cores asks for, where 6 are usual."""
    application = Application(ID, "a", "me", "RUNNING", cores, memory_mb, 1.0)
    return Wishes(6).of(MasterStatus(pages.url, "ALIVE", (), (application,)), WORKER)


@pytest.mark.parametrize(
    ("wanted", "present", "executors"), [(5, 2, 3), (2, 2, 0), (0, 3, 0)], ids=["more", "enough", "fewer"]
)
def test_with_dynamic_allocation(pages: Pages, wanted: int, present: int, executors: int) -> None:
    pages.has(executor_cores="2", cores_max="20")
    pages.wants(wanted, present)
    assert asked(pages, cores=4) == ([Wish(ID, executors, Capacity(1000, 2))] if executors else [])


@pytest.mark.parametrize(
    ("properties", "cores", "wish"),
    [
        ({"executor_cores": "2"}, 0, Wish(ID, 3, Capacity(1000, 2))),
        ({"executor_cores": "2"}, 4, Wish(ID, 1, Capacity(1000, 2))),
        ({"executor_cores": "2", "cores_max": "4"}, 4, None),
        ({"executor_cores": "4"}, 4, None),
        ({"app_name": "a"}, 0, Wish(ID, 2, Capacity(1000, 4))),
        ({"app_name": "a"}, 4, Wish(ID, 1, Capacity(1000, 2))),
        ({"cores_max": "4"}, 4, None),
    ],
)
def test_without_it(pages: Pages, properties: dict[str, str], cores: int, wish: Wish | None) -> None:
    pages.has(**properties)
    assert asked(pages, cores) == ([wish] if wish else [])


@pytest.mark.parametrize(("cores", "executors"), [(0, 1), (2, 0)])
def test_silent_driver_counts_while_it_has_nothing(pages: Pages, cores: int, executors: int) -> None:
    assert asked(pages, cores) == ([Wish(ID, executors, Capacity(1000, 1))] if executors else [])


@pytest.mark.parametrize("page", [None, [], {"sparkProperties": 3}, {"sparkProperties": [["a"]]}, {"gauges": []}])
def test_page_that_is_none_is_silence(pages: Pages, page: object) -> None:
    pages.pages = dict.fromkeys(
        [f"/proxy/{ID}/api/v1/applications/{ID}/environment", f"/proxy/{ID}/metrics/json/"], page
    )
    assert asked(pages) == [Wish(ID, 1, Capacity(1000, 1))]


def test_number_that_is_none_is_no_dynamic_allocation(pages: Pages) -> None:
    pages.has(executor_cores="2")
    pages.wants("many", None)
    assert asked(pages) == [Wish(ID, 3, Capacity(1000, 2))]


def test_properties_are_read_once(pages: Pages) -> None:
    pages.has(executor_cores="2")
    application = Application(ID, "a", "me", "RUNNING", 0, 1000, 1.0)
    wishes, page = Wishes(6), MasterStatus(pages.url, "ALIVE", (), (application,))
    for _ in range(3):
        wishes.of(page, WORKER)
    assert sum(path.endswith("/environment") for path in pages.asked) == 1
    wishes.of(MasterStatus(pages.url, "ALIVE"), WORKER)
    wishes.of(page, WORKER)
    assert sum(path.endswith("/environment") for path in pages.asked) == 2, "it had gone"
