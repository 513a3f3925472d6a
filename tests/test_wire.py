"""The client of the Platform API against servers that misbehave: what it says, how often it asks, and its token."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from sparkspace.box import certificate
from sparkspace.errors import ApiError
from sparkspace.heroku import wire
from sparkspace.heroku.client import Client, api_url
from sparkspace.heroku.refusals import (
    BadAnswer,
    FirGeneration,
    NotThere,
    PermissionMissing,
    RateLimited,
    TokenRefused,
    Unanswered,
)

from .api_server import HALF, HANG_UP, NEVER, TOKEN, Answer, Api, error, serving

DYNOS = "GET /apps/my-app/dynos"
RUN = "POST /apps/my-app/dynos"
GOOD = Answer([{"id": "1"}])
NEW = "heroku config:set SPARK_HEROKU_ACCESS_TOKEN=$(heroku authorizations:create --scope write --short) -a my-app"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_PAUSE_S", 0.01)


def client(api: Api, within_s: float = 20, token: str = TOKEN) -> Client:
    return Client(api.url, token, "my-app", within_s=within_s)


def test_call_has_herokus_headers_and_nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password another-token\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving({DYNOS: GOOD}) as api:
        assert client(api).dynos() == [{"id": "1"}]
    (asked,) = api.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["Accept"] == "application/vnd.heroku+json; version=3"


@pytest.mark.parametrize(
    ("flaw", "asked", "kind", "says"),
    [
        (error(401, "unauthorized", "Invalid credentials."), 1, TokenRefused, f"Set a new one: {NEW}"),
        (error(403, "forbidden"), 1, PermissionMissing, "it takes the permission 'view' on my-app: No."),
        (error(403, "forbidden"), 1, PermissionMissing, "heroku access:update EMAIL --permissions view -a my-app"),
        (error(403, "two_factor"), 1, PermissionMissing, "Set a token that asks for no second factor"),
        (error(403, "suspended"), 1, PermissionMissing, "https://help.heroku.com"),
        (error(404, "not_found", "Couldn't find that app."), 1, NotThere, "Couldn't find that app."),
        (error(422, "invalid_params", "Not for Fir generation apps"), 1, FirGeneration, "Cedar-generation"),
        (error(402, "delinquent", "Pay."), 1, ApiError, "Pay."),
        (error(429, "rate_limit"), 6, RateLimited, "The token's account has no API calls left: No."),
        (error(500, "internal_server_error"), 6, ApiError, "The API has a fault (500): No."),
        (Answer(b"<html>Bad gateway</html>", 502), 6, ApiError, "The API has a fault (502): Bad Gateway"),
        (error(503, "unavailable"), 6, ApiError, "The API has a fault (503): No."),
        (HALF, 6, Unanswered, "does not answer"),
        (HANG_UP, 6, Unanswered, "does not answer: ConnectionError"),
        (Answer(b"{not json"), 1, BadAnswer, "answers, but not with JSON"),
        (Answer(b""), 1, BadAnswer, "answers, but not with JSON"),
        (Answer(b"[" * 100_000), 1, BadAnswer, "answers, but not with JSON"),
        (Answer({"id": "1"}), 1, BadAnswer, "is no list"),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}), 1, BadAnswer, "leads elsewhere"),
    ],
    ids=str,
)  # fmt: skip
def test_what_it_says_and_how_often_it_asks(flaw: Answer, asked: int, kind: type[ApiError], says: str) -> None:
    with serving({DYNOS: flaw}) as api, pytest.raises(ApiError) as raised:
        client(api).dynos()
    assert type(raised.value) is kind
    assert says in "\n".join(raised.value.lines())
    assert api.lines == [DYNOS] * asked


@pytest.mark.parametrize(
    "flaw", [error(429, "rate_limit"), error(500, "x"), error(503, "x"), HALF, HANG_UP, Answer(b"<html>", 504)], ids=str
)
def test_what_passes_is_tried_again(flaw: Answer) -> None:
    with serving({DYNOS: [flaw, flaw, GOOD]}) as api:
        assert client(api).dynos() == [{"id": "1"}]
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("flaw", "asked"),
    [(error(429, "rate_limit"), 2), (error(500, "x"), 1), (error(503, "x"), 1), (HALF, 1), (HANG_UP, 1)],
    ids=str,
)
def test_call_that_is_not_repeatable_is_tried_again_only_if_it_was_not_carried_out(flaw: Answer, asked: int) -> None:
    with serving({RUN: [flaw, Answer({"name": "run.1"}, 201)]}) as api:
        if asked == 1:
            with pytest.raises(ApiError):
                client(api).run("true")
        else:
            assert client(api).run("true") == {"name": "run.1"}
    assert api.lines == [RUN] * asked


@pytest.mark.parametrize(
    ("call", "line", "repeatable"),
    [
        (lambda c: c.restart_dyno("0123-id"), "DELETE /apps/my-app/dynos/0123-id", True),
        (lambda c: c.restart("worker.1"), "DELETE /apps/my-app/dynos/worker.1", False),
        (lambda c: c.restart("worker"), "DELETE /apps/my-app/formations/worker", False),
        (lambda c: c.restart(), "DELETE /apps/my-app/dynos", False),
        (lambda c: c.stop("run.1"), "POST /apps/my-app/dynos/run.1/actions/stop", False),
        (lambda c: c.stop("worker"), "POST /apps/my-app/formations/worker/actions/stop", False),
        (lambda c: c.run("true"), RUN, False),
        (lambda c: c.scale([{"type": "worker", "quantity": 2}]), "PATCH /apps/my-app/formation", True),
        (lambda c: c.scale([{"type": "worker", "quantity": "+1"}]), "PATCH /apps/my-app/formation", False),
        (lambda c: c.configure({"A": None}), "PATCH /apps/my-app/config-vars", False),
        (lambda c: c.config(), "GET /apps/my-app/config-vars", True),
        (lambda c: c.info(), "GET /apps/my-app", True),
        (lambda c: c.formation(), "GET /apps/my-app/formation", True),
        (lambda c: c.releases(), "GET /apps/my-app/releases", True),
        (lambda c: c.sizes(), "GET /apps/my-app/available-dyno-sizes", True),
        (lambda c: c.spots("my-space"), "GET /spaces/my-space/topology", True),
        (lambda c: c.calls_left(), "GET /account/rate-limits", True),
    ],
)  # fmt: skip
def test_which_calls_are_repeatable(call: object, line: str, repeatable: bool) -> None:
    with serving({"*": error(500, "x")}) as api, pytest.raises(ApiError):
        call(client(api))  # type: ignore[operator]
    assert api.lines == [line] * (wire.MOST_ATTEMPTS if repeatable else 1)


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    late = [error(429, "x", Retry_After="1"), error(503, "x", Retry_After=formatdate(time.time() + 4, usegmt=True))]
    began = time.monotonic()
    with serving({DYNOS: [*late, GOOD]}) as api:
        assert client(api).dynos()
    assert time.monotonic() - began >= 2.5
    assert len(api.asked) == 3


def test_retry_after_the_end_is_not_waited_for() -> None:
    with serving({DYNOS: error(429, "x", Retry_After="900")}) as api, pytest.raises(RateLimited):
        client(api).dynos()
    assert len(api.asked) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "", "٣", "9" * 5000, "Mon, 99 Foo"])
def test_retry_after_that_is_none_is_ignored(text: str) -> None:
    assert wire._retry_after({"Retry-After": text}) in (0.0, 999_999_999.0)


@pytest.mark.parametrize(
    "flaw",
    [NEVER, Answer(GOOD.body, delay_s=30), Answer([{"id": "1" * 99}], byte_every_s=0.3)],
    ids=["never", "late", "drops"],
)
def test_a_call_has_an_end(flaw: Answer) -> None:
    """Also when each byte comes in time, and only all of them do not."""
    began = time.monotonic()
    with serving({DYNOS: flaw}) as api:
        with pytest.raises(Unanswered):
            client(api, within_s=1.0).dynos()
    assert time.monotonic() - began < 15  # the machine may be slow; the answer would take longer, or for ever


def test_slow_answer_is_waited_for() -> None:
    with serving({DYNOS: Answer(GOOD.body, delay_s=1.5)}) as api:
        assert client(api).dynos() == [{"id": "1"}]
    assert len(api.asked) == 1


def test_low_account_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has few calls left makes them at the pace at which new ones come."""
    monkeypatch.setattr(wire, "REFILL_S", 0.5)
    left = ["4000", "199", "0", "x"]
    with serving({DYNOS: [Answer([], headers={"RateLimit-Remaining": text}) for text in left]}) as api:
        one = client(api)
        took = []
        for _ in left:
            began = time.monotonic()
            one.dynos()
            took.append(time.monotonic() - began)
    assert [seconds >= 0.5 for seconds in took[2:]] == [True, True]
    assert len(api.asked) == 4


def test_list_is_read_page_by_page() -> None:
    pages = [
        Answer([{"id": "1"}, {"id": "2"}], 206, {"Next-Range": "id 2..; max=2"}),
        Answer([{"id": "3"}], 206, {"Next-Range": "id 3..; max=2"}),
        Answer([{"id": "4"}], 200, {"Next-Range": "ignored"}),
    ]
    with serving({DYNOS: pages}) as api:
        assert [dyno["id"] for dyno in client(api).dynos()] == ["1", "2", "3", "4"]
    assert [asked.headers.get("Range") for asked in api.asked] == [None, "id 2..; max=2", "id 3..; max=2"]


def test_list_without_an_end_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkspace.heroku.client.MOST_PAGES", 3)
    with serving({DYNOS: Answer([], 206, {"Next-Range": "id 1.."})}) as api, pytest.raises(BadAnswer):
        client(api).dynos()
    assert len(api.asked) == 3


def test_nobody_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Unanswered, match="does not answer: connection refused"):
            Client(url, TOKEN, "my-app", within_s=2).run("true")
    with pytest.raises(Unanswered, match="its name does not resolve"):
        Client("http://nobody.invalid", TOKEN, "my-app", attempts=1, within_s=20).dynos()


def test_connection_that_never_was_is_tried_again_for_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server begins to listen while the client tries: a call that was not sent can always be sent again."""
    monkeypatch.setattr(wire, "FIRST_PAUSE_S", 1.0)
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        one = Client(f"http://127.0.0.1:{late.getsockname()[1]}", TOKEN, "my-app", attempts=99)
        threading.Timer(1.0, answer_once, [late]).start()
        assert one.run("true") == {"name": "run.1"}


def answer_once(listener: socket.socket) -> None:
    listener.listen()
    connection, _ = listener.accept()
    with connection:
        connection.recv(1 << 16)
        connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"name":"run.1"} ')


def test_certificate_of_a_stranger_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with serving({DYNOS: GOOD}, certificate.context(tmp_path)) as api:
        with pytest.raises(Unanswered, match="can't be trusted: nobody known has signed it"):
            client(api).dynos()
    assert api.asked == []


def test_token_does_not_follow_a_redirect() -> None:
    with serving({"*": GOOD}) as elsewhere:
        for status in (301, 302, 303, 307, 308):
            moved = Answer(status=status, headers={"Location": f"{elsewhere.url}/apps/my-app/dynos"})
            with serving({DYNOS: moved}) as api, pytest.raises(BadAnswer, match="the token does not go along"):
                client(api).dynos()
    assert elsewhere.asked == []


def test_log_is_read_without_the_token() -> None:
    """Its URL is another host's, and has a secret of its own."""
    with serving({"GET /stream": Answer(b"one\ntwo\n")}) as logplex:
        session = Answer({"logplex_url": f"{logplex.url}/stream"}, 201)
        with serving({"POST /apps/my-app/log-sessions": session}) as api:
            assert list(client(api).logs(lines=2)) == ["one", "two"]
    assert "Authorization" not in logplex.asked[0].headers
    assert api.asked[0].body == {"lines": 2}


FLAWS = {
    "refused": error(401, "unauthorized", f"Invalid credentials: Bearer {TOKEN}"),
    "fault": error(500, TOKEN, f"While handling {TOKEN}"),
    "no JSON": Answer(f"<p>{TOKEN}".encode()),
    "half": HALF,
    "nothing": HANG_UP,
    "elsewhere": Answer(status=302, headers={"Location": f"http://127.0.0.1:9/?{TOKEN}"}),
}


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_token_is_in_no_message_and_no_traceback(flaw: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """Not even in one with the locals of every frame, nor in the exceptions that hang on it."""
    caplog.set_level(logging.DEBUG)
    with serving({DYNOS: flaw}) as api:
        one = client(api)
        with pytest.raises(ApiError) as raised:
            one.dynos()
    for line in shown(raised.value):
        assert TOKEN not in line
    assert TOKEN not in caplog.text + repr(one) + repr(one._wire)
    assert raised.value.__context__ is None and raised.value.__cause__ is None


def shown(error: ApiError) -> Iterator[str]:
    """All that anybody could print of an error. The frames of this test, which made the token, are left out."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in found.stack:
        if "/tests/" not in frame.filename:
            yield f"{frame.filename} {frame.name} {frame.locals}"
    yield from (repr(error), repr(vars(error)), *error.lines())


@pytest.mark.parametrize("token", ["two\nlines", "blank\r", "snow☃man"])
def test_token_that_can_not_be_sent_is_refused_and_not_shown(token: str) -> None:
    with serving({DYNOS: GOOD}) as api, pytest.raises(TokenRefused) as raised:
        client(api, token=token).dynos()
    assert api.asked == []
    assert all(repr(token)[1:-1] not in line for line in shown(raised.value))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "https://api.heroku.com"),
        ("heroku.com", "https://api.heroku.com"),
        ("staging.example", "https://api.staging.example"),
        ("http://10.7.0.1:4000/", "http://10.7.0.1:4000"),
    ],
)
def test_url_is_the_one_that_herokus_own_command_would_take(host: str, url: str) -> None:
    assert api_url({"HEROKU_HOST": host}) == url
    assert api_url({}) == "https://api.heroku.com"


def test_fir_is_refused() -> None:
    with serving({"GET /apps/my-app": [Answer({"generation": {"name": name}}) for name in ("cedar", "fir")]}) as api:
        one = client(api)
        one.refuse_fir()
        with pytest.raises(FirGeneration, match="my-app is an app of the Fir generation"):
            one.refuse_fir()
