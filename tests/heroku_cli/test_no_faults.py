"""What the box has not, or can't take: Heroku's error JSON, and never a fault of ours."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ..box.conftest import Box, tiny_app, until

pytestmark = pytest.mark.box
PATHS = [line for line in Path(__file__).with_name("paths.txt").read_text().splitlines() if line.startswith("/")]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Path → the method that takes a body, if one does.
HERE = {
    "/account": "", "/account/rate-limits": "", "/apps": "", "/apps/{}": "", "/apps/{}/addons": "",
    "/apps/{}/available-dyno-sizes": "", "/apps/{}/collaborators": "", "/apps/{}/config-vars": "PATCH",
    "/apps/{}/dynos": "POST", "/apps/{}/dynos/{}": "POST", "/apps/{}/dynos/{}/actions/stop": "",
    "/apps/{}/formation": "PATCH", "/apps/{}/formation/{}": "PATCH", "/apps/{}/formations/{}": "",
    "/apps/{}/formations/{}/actions/stop": "", "/apps/{}/log-sessions": "POST", "/apps/{}/releases": "",
    "/apps/{}/releases/{}": "", "/spaces/{}/topology": "",
}  # fmt: skip
DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = [
    b"", b"null", b"true", b"0", b'""', b"[]", b"[{}]", b"{}", b"{", b"\xff\xfe", b"NaN", b"1" * 5000, DEEP,
    b'{"command": null}', b'{"command": []}', b'{"command": {}}', b'{"command": "\\ud800"}', b'{"command": "a\\u0000"}',
    b'{"command": "true", "attach": true, "env": {"": "x"}}', b'{"command": "true", "env": {"A=B": "x"}}',
    b'{"command": "true", "env": {"A": null}}', b'{"command": "true", "env": 7}', b'{"command": "true", "size": 7}',
    b'{"command": "true", "size": {"name": []}}', b'{"command": "true", "env": {"COLUMNS": "\xd9\xa3", "LINES": -1}}',
    b'{"updates": null}', b'{"updates": {}}', b'{"updates": [null]}', b'{"updates": [{"type": []}]}',
    b'{"updates": [{"type": "quiet", "quantity": 1e999}]}', b'{"updates": [{"type": "quiet", "quantity": NaN}]}',
    b'{"updates": [{"type": "quiet", "quantity": 10000000000000000000000}]}', b'{"quantity": "+"}', b'{"quantity": []}',
    b'{"updates": [{"type": "quiet", "dyno_size": {"id": 1}, "size": {}}]}', b'{"dyno_size": []}', b'{"size": 1.5}',
    b'{"lines": -1}', b'{"lines": "many"}', b'{"lines": 1e3}', b'{"dyno": [], "source": {}, "tail": "no"}',
    b'{"A": []}', b'{"": "x"}', b'{"A\\u0000": "x"}', b'{"A": "\\udfff"}', b'{"\\ud800": "x"}', b'{"A B": null}',
]  # fmt: skip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of our own: all of its calls are used up."""
    box = tiny_app(tmp_path_factory.mktemp("faults") / "app")
    box("up", "--detach", "--app", "my-app")
    box("scale", "quiet=1")
    until(lambda: box.dynos()["quiet.1"]["state"] == "up")
    yield box
    box("down")


@pytest.fixture(scope="module")
def session(box: Box) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {box.record['token']}"
        yield session


def test_paths_that_are_here_are_paths_of_heroku(box: Box) -> None:
    assert set(PATHS) >= set(HERE)
    assert len(PATHS) > 200


def test_what_a_box_has_not_is_not_found(box: Box, session: requests.Session) -> None:
    heard = set()
    for path, method in itertools.product((path for path in PATHS if path not in HERE), METHODS):
        reply = session.request(method, box.record["url"] + filled(path), json={}, timeout=20)
        heard.add((reply.status_code, reply.json()["id"], bool(reply.json()["message"])))
    assert heard == {(404, "not_found", True)}


@pytest.mark.parametrize("path", [path for path, method in HERE.items() if method])
def test_odd_bodies_are_taken_or_refused(box: Box, session: requests.Session, path: str) -> None:
    kinds = ("application/json; charset=bogus", "text/html", "")
    calls = [(body, "application/json") for body in BODIES] + [(b'{"command": 1}', kind) for kind in kinds]
    heard = set()
    until(lambda: box.dynos()["quiet.1"]["state"] == "up")  # config vars that were taken restart it
    for body, kind in calls:
        url = box.record["url"] + filled(path).replace("dynos/quiet", "dynos/quiet.1")
        reply = session.request(HERE[path], url, data=body, headers={"Content-Type": kind}, timeout=40)
        heard.add((reply.status_code, "" if reply.ok else reply.json()["id"]))
        assert reply.ok or reply.json()["message"]
        assert reply.status_code < 500, (body, reply.json())
    taken = {(200, ""), (201, "")}
    assert heard - taken <= {(400, "bad_request"), (422, "invalid_params")}
    assert {(400, "bad_request"), (422, "invalid_params")} <= heard


@pytest.mark.parametrize("method", METHODS)
def test_every_verb_of_a_path_that_is_here_is_answered(box: Box, session: requests.Session, method: str) -> None:
    for path in HERE:
        reply = session.request(method, box.record["url"] + filled(path), data=b"[", timeout=40)
        assert reply.status_code in (200, 202, 400, 404)
        assert reply.ok or reply.json()["id"] in ("bad_request", "not_found")


@pytest.mark.parametrize(
    "wish",
    [
        "id ..; max=0",
        "id ..; max=-1",
        "nothing ..",
        "id",
        ";",
        "id ..; max=x",
        "version x..",
        "app ..",
        "\xff",
        "] .. [",
    ],
)
def test_odd_ranges_are_taken_or_refused(box: Box, session: requests.Session, wish: str) -> None:
    for path in ("releases", "formation", "dynos", "collaborators"):
        url = f"{box.record['url']}/apps/my-app/{path}"
        reply = session.get(url, headers={"Range": wish.encode("latin-1")}, timeout=20)
        assert reply.status_code in (200, 206, 416)
        assert reply.ok or reply.json()["id"] == "requested_range_not_satisfiable"


@pytest.mark.parametrize(
    "path", ["/", "//", "/apps/../..", "/apps/%00", "/apps/my-app/dynos/%ff", "/apps/my-app/dynos/%2e"]
)
def test_odd_paths_are_not_found(box: Box, session: requests.Session, path: str) -> None:
    request = requests.Request("GET", box.record["url"], headers=dict(session.headers)).prepare()
    request.url = box.record["url"] + path
    reply = session.send(request, timeout=20)
    assert (reply.status_code, reply.json()["id"]) == (404, "not_found")


def filled(path: str) -> str:
    """A path with names in it: the app's own first, where there is one."""
    head, _, tail = path.partition("{}")
    return f"{head}my-app{tail.replace('{}', 'quiet')}" if head in ("/apps/", "/spaces/") else path.replace("{}", "one")
