"""The API by HTTP: what a client of Heroku's Platform API may rely on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import requests

from .conftest import Box, tiny_app, until

pytestmark = pytest.mark.box


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with two dynos."""
    box = tiny_app(tmp_path_factory.mktemp("api") / "app")
    box("up", "--detach", "--app", "my-app")
    box("scale", "quiet=2")
    until(lambda: [dyno["state"] for dyno in box.dynos().values()] == ["up", "up"])
    yield box
    box("down")


def test_dyno_has_the_fields_of_the_schema(box: Box) -> None:
    dyno = box.api("GET", "dynos/quiet.1").json()
    assert set(dyno) == {
        "id", "app", "attach_url", "command", "created_at", "name", "release", "size", "state", "type", "updated_at",
    }  # fmt: skip
    assert dyno["app"]["name"] == "my-app"
    assert (dyno["name"], dyno["type"], dyno["state"], dyno["size"]) == ("quiet.1", "quiet", "up", "Private-M")
    assert dyno["release"]["version"] >= 1
    uuid.UUID(dyno["id"])
    assert box.api("GET", f"dynos/{dyno['id']}").json() == dyno


def test_app_is_found_by_name_and_id_and_is_of_the_cedar_generation(box: Box) -> None:
    app = box.api("GET", "/apps/my-app").json()
    assert app["generation"]["name"] == "cedar"
    assert box.api("GET", f"/apps/{app['id']}").json() == app
    assert box.api("GET", "/apps").json() == [app]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "id"),
    [
        ("GET", "/apps/other/dynos", None, 404, "not_found"),
        ("GET", "dynos/quiet.9", None, 404, "not_found"),
        ("DELETE", "dynos/quiet.9", None, 404, "not_found"),
        ("DELETE", "formations/nothing", None, 404, "not_found"),
        ("GET", "formation/nothing", None, 404, "not_found"),
        ("GET", "releases/99", None, 404, "not_found"),
        ("GET", "addons/one", None, 404, "not_found"),
        ("GET", "/nowhere", None, 404, "not_found"),
        ("PUT", "formation", {}, 404, "not_found"),
        ("POST", "dynos", {}, 422, "invalid_params"),
        ("POST", "dynos", {"command": ""}, 422, "invalid_params"),
        ("POST", "dynos", {"command": "true", "size": "Huge"}, 422, "invalid_params"),
        ("POST", "dynos", {"command": "true", "env": ["x"]}, 422, "invalid_params"),
        ("POST", "dynos", ["true"], 400, "bad_request"),
        ("PATCH", "formation", {}, 422, "invalid_params"),
        ("PATCH", "formation", {"updates": [{"type": "nothing", "quantity": 1}]}, 422, "invalid_params"),
        ("PATCH", "formation", {"updates": [{"type": "quiet", "quantity": -1}]}, 422, "invalid_params"),
        ("PATCH", "formation", {"updates": [{"type": "quiet", "quantity": "many"}]}, 422, "invalid_params"),
        ("PATCH", "formation/quiet", {"quantity": True}, 422, "invalid_params"),
        ("PATCH", "formation/quiet", {"size": "Huge"}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"A": 1}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"HEROKU_X": "1"}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"A-B": "1"}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"A": "x" * 70_000}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"LOG_LEVEL": "LOUD"}, 422, "invalid_params"),
        ("PATCH", "config-vars", {"SPARKSPACE_SECRET": "short"}, 422, "invalid_params"),
        ("POST", "log-sessions", "tail", 400, "bad_request"),
    ],
)
def test_refusals_are_herokus(box: Box, method: str, path: str, body: object, status: int, id: str) -> None:
    before = box.api("GET", "formation").json(), box.api("GET", "config-vars").json()
    reply = box.api(method, path, body)
    assert (reply.status_code, reply.json()["id"]) == (status, id)
    assert reply.json()["message"]
    assert (box.api("GET", "formation").json(), box.api("GET", "config-vars").json()) == before


def test_body_that_is_no_json_is_refused(box: Box) -> None:
    record = box.record
    headers = {"Authorization": f"Bearer {record['token']}", "Content-Type": "application/json"}
    reply = requests.patch(f"{record['url']}/apps/my-app/formation", data=b"{not", headers=headers, timeout=10)
    assert (reply.status_code, reply.json()["id"]) == (400, "bad_request")


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic Og==", "Bearer ü"])
def test_every_path_needs_the_token(box: Box, token: str) -> None:
    for path in ("/apps", "/apps/my-app/dynos", "/apps/my-app/config-vars", "/account", "/nowhere"):
        reply = requests.get(box.record["url"] + path, headers={"Authorization": token.encode()}, timeout=10)
        assert (reply.status_code, reply.json()["id"]) == (401, "unauthorized")
    for path in ("/attach/guess", "/logs/guess"):
        assert requests.get(box.record["url"] + path, timeout=10).status_code == 404


def test_api_is_on_loopback_alone(box: Box) -> None:
    assert box.record["url"].startswith("http://127.0.0.1:")


def test_calls_are_counted(box: Box) -> None:
    first = int(box.api("GET", "dynos").headers["RateLimit-Remaining"])
    for _ in range(5):
        reply = box.api("GET", "dynos")
    assert first - 5 <= int(reply.headers["RateLimit-Remaining"]) <= first
    uuid.UUID(reply.headers["Request-Id"])
    assert box.api("GET", "/account/rate-limits").json()["remaining"] >= first - 6


def test_quantity_may_be_relative_text_and_size_may_come_either_way(box: Box) -> None:
    sizes = [
        box.api("PATCH", "formation", {"updates": [{"type": "noisy", "quantity": "+2", "size": "Private-L"}]}).json()[
            0
        ],
        box.api("PATCH", "formation/noisy", {"quantity": "-2", "dyno_size": {"name": "private-m"}}).json(),
    ]
    assert [(line["quantity"], line["size"]) for line in sizes] == [(2, "Private-L"), (0, "Private-M")]
    assert sizes[1]["dyno_size"]["name"] == "Private-M"


def test_batch_is_all_or_nothing(box: Box) -> None:
    updates = [{"type": "noisy", "quantity": 5}, {"type": "quiet", "quantity": -5}]
    assert box.api("PATCH", "formation", {"updates": updates}).status_code == 422
    assert box.api("GET", "formation/noisy").json()["quantity"] == 0


@pytest.mark.parametrize("path", ["dynos/quiet.1", "formations/quiet", "dynos"])
def test_restart_of_one_of_a_type_and_of_all(box: Box, path: str) -> None:
    before = {name: dyno["id"] for name, dyno in box.dynos().items()}
    assert box.api("DELETE", path).status_code == 202
    changed = {"quiet.1"} if path == "dynos/quiet.1" else {"quiet.1", "quiet.2"}
    now = {name: dyno["id"] for name, dyno in box.dynos().items()}
    assert {name for name in now if now[name] != before[name]} == changed


def test_releases_can_be_had_newest_first(box: Box) -> None:
    box.api("PATCH", "config-vars", {"A": "1"})
    versions = [release["version"] for release in box.api("GET", "releases").json()]
    newest = box.api("GET", "releases", Range="version ..; order=desc,max=1").json()
    assert [release["version"] for release in newest] == [max(versions)]
    assert newest[0]["current"]
    assert box.api("GET", f"releases/v{max(versions)}").json() == newest[0]


def test_lists_come_by_pages(box: Box) -> None:
    first = box.api("GET", "formation", Range="type ..; max=1")
    assert (first.status_code, [line["type"] for line in first.json()]) == (206, ["noisy"])
    second = box.api("GET", "formation", Range=first.headers["Next-Range"])
    assert (second.status_code, [line["type"] for line in second.json()]) == (200, ["quiet"])
    assert "Next-Range" not in second.headers


def test_token_may_be_a_password(box: Box) -> None:
    record = box.record
    for user, password, status in (
        ("", record["token"], 200),
        ("me", record["token"], 200),
        (record["token"], "", 401),
    ):
        assert requests.get(f"{record['url']}/apps", auth=(user, password), timeout=10).status_code == status


def test_log_session_streams_text_or_events_once(box: Box) -> None:
    url = box.api("POST", "log-sessions", {"lines": 2}).json()["logplex_url"]
    assert len(requests.get(url, timeout=10).text.splitlines()) == 2
    assert requests.get(url, timeout=10).status_code == 404
    url = box.api("POST", "log-sessions", {"lines": 2}).json()["logplex_url"]
    events = requests.get(url, headers={"Accept": "text/event-stream"}, timeout=10)
    assert events.headers["Content-Type"].startswith("text/event-stream")
    assert [event[:6] for event in events.text.split("\n\n")[:-1]] == ["data: ", "data: "]


def test_topology_names_every_dyno_and_its_address(box: Box) -> None:
    (app,) = box.api("GET", "/spaces/my-app/topology").json()["apps"]
    lines = {line["process_type"]: line["dynos"] for line in app["formation"]}
    assert app["formation"] == app["formations"]
    assert [dyno["hostname"] for dyno in lines["quiet"]] == [
        "1.quiet.my-app.app.localspace",
        "2.quiet.my-app.app.localspace",
    ]
    assert {dyno["private_ip"].split(".")[0] for dyno in lines["quiet"]} <= {"10", "127"}
