"""Strangers at the class server's port: raw requests, and nothing that any of them could use."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sparkspace.cluster.signature import WITHIN_S, Guard, Key, Request
from sparkspace.code.class_server import manifest
from sparkspace.code.class_server.served import Folder
from sparkspace.code.tree import Entry

from .class_server import SECRET, Running, running
from .proxy.attacker import exchange
from .test_class_server import COMPANION, VECTOR, settle

INSIDE, OUTSIDE = b"inside the root", b"outside of the root"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A root, and beside it what is not to be served."""
    folder = tmp_path_factory.mktemp("attacked")
    for name, content in {
        "classes/inside.txt": INSIDE,
        "classes/a b.txt": INSIDE,
        "classes/100%25.txt": INSIDE,
        "classes/org/A.class": VECTOR,
        "outside.txt": OUTSIDE,
        "classes-of-another/outside.txt": OUTSIDE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        settle(folder / name)
    (folder / "classes/link.txt").symlink_to(folder / "outside.txt")
    (folder / "classes/up").symlink_to(folder)
    with running(folder / "blobs", {"classes": [Folder(folder / "classes")]}) as found:
        found.opened("ann")
        assert found.push("ann", {"python/mylib/a.py": b"pushed"}).json["missing"] == []
        yield found


def sent(server: Running, *parts: str, pause_s: float = 0, then: str = "") -> dict[str, Any]:
    """What comes back for raw bytes."""
    return exchange(server.address, {"parts": list(parts), "pause_s": pause_s, "then": then})


def raw(path: str, *lines: str, method: str = "GET", body: str = "") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *lines, "", body])


PLACES = (
    "/classes/inside.txt", "/classes/nothing.txt", "/list", "/sessions", "/sessions/ann", "/python/mylib/a.py", "/",
    f"/blobs/{hashlib.sha256(INSIDE).hexdigest()}", "/push", "/fetch", "/nowhere", "/..", "/classes/../outside.txt",
)  # fmt: skip
STRANGERS = {
    "nothing": (),
    "bearer": (f"Authorization: Bearer {SECRET}",),
    "the secret itself": (f"Authorization: Sparkspace {SECRET}",),
    "basic": ("Authorization: Basic c3Bhcms6c3Bhcms=",),
    "no mac": ("Authorization: Sparkspace 1:0:0:0",),
    "zeros": (f"Authorization: Sparkspace {int(time.time())}:{'0' * 32}:{'0' * 64}:{'0' * 64}",),
    "nul": ("Authorization: Sparkspace \0",),
    "not ascii": ("Authorization: Sparkspace \xb2:\xff",),
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_can_not_tell_what_is_there(server: Running, stranger: str, method: str) -> None:
    """Whatever they ask for, and however: one and the same answer."""
    answers = {
        (reply["status"], reply["body"], *sorted(name for name, _ in reply["headers"]))
        for reply in (sent(server, raw(path, *STRANGERS[stranger], method=method)) for path in PLACES)
    }
    assert len(answers) == 1
    status, body, *_ = answers.pop()
    assert status == (400 if stranger == "nul" else 401)
    assert body == "" or stranger == "nul"


def test_another_secret_is_a_strangers(server: Running) -> None:
    other = Running(server.port, server.pushes, Key("another-secret-of-another-cluster"))
    for path in PLACES:
        assert server.plain("GET", path, other.key.headers(Request("GET", path))).status == 401


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        (Request("GET", "/list"), Request("GET", "/sessions")),
        (Request("GET", "/list"), Request("HEAD", "/list")),
        (Request("GET", "/list"), Request("GET", "/list?x=1")),
        (Request("GET", "/list", sender="ann"), Request("GET", "/list", sender="bob")),
        (Request("GET", "/sessions/ann?dyno=a"), Request("GET", "/sessions/ann?dyno=b")),
    ],
)
def test_a_signature_is_for_one_request(server: Running, signed: Request, asked: Request) -> None:
    headers = {**server.key.headers(signed), **({"X-Sender": asked.sender} if asked.sender else {})}
    assert server.plain(asked.method, asked.path, headers).status == 401


def test_a_request_is_taken_once(server: Running) -> None:
    headers = server.key.headers(Request("GET", "/list"))
    assert [server.plain("GET", "/list", headers).status for _ in range(3)] == [200, 401, 401]


def test_of_many_at_once_one_is_taken(server: Running) -> None:
    headers = server.key.headers(Request("GET", "/sessions"))
    with ThreadPoolExecutor(16) as many:
        statuses = list(many.map(lambda _: server.plain("GET", "/sessions", headers).status, range(32)))
    assert sorted(statuses) == [200, *[401] * 31]


def test_an_old_request_is_not_taken() -> None:
    key, now = Key(SECRET), time.time()
    headers = key.headers(Request("GET", "/list"))
    for clock, is_taken in ((now, True), (now + WITHIN_S + 2, False), (now - WITHIN_S - 2, False)):
        assert (Guard(key, lambda clock=clock: clock).body_of("GET", "/list", headers) is not None) == is_taken


def test_what_was_taken_is_remembered_as_long_as_it_is_good() -> None:
    key, clock = Key(SECRET), [time.time()]
    guard, headers = Guard(key, lambda: clock[0]), key.headers(Request("GET", "/list"))
    assert guard.body_of("GET", "/list", headers) is not None
    for _ in range(40):
        clock[0] += WITHIN_S / 10
        guard.body_of("GET", "/list", key.headers(Request("GET", "/list")))
        assert guard.body_of("GET", "/list", headers) is None


def test_another_body_is_refused(server: Running) -> None:
    body = manifest.packed({"to": "ann", "files": {}, "sent": []})
    headers = server.key.headers(Request("POST", "/push", hashlib.sha256(body).hexdigest()))
    assert server.plain("POST", "/push", headers, body + b"x").status == 401
    assert server.pushes.sessions.all()[0].head is not None


def test_answers_of_a_stranger_are_seen_through(server: Running) -> None:
    """Of somebody who sits at the address of a class server that is gone."""
    ours, sent_headers = server.key, server.key.headers(Request("GET", "/sessions"))
    reply = server.plain("GET", "/sessions", sent_headers)
    assert ours.is_sealed(sent_headers, 200, reply.headers, reply.body)
    assert not ours.is_sealed(sent_headers, 200, reply.headers, reply.body + b" ")
    assert not ours.is_sealed(sent_headers, 304, reply.headers, reply.body)
    assert not ours.is_sealed(sent_headers, 200, {**reply.headers, "ETag": '"x"'}, reply.body)
    assert not ours.is_sealed(sent_headers, 200, {}, reply.body)
    another = server.key.headers(Request("GET", "/sessions"))
    assert not ours.is_sealed(another, 200, reply.headers, reply.body)
    assert not Key("another-secret-of-a-stranger").is_sealed(sent_headers, 200, reply.headers, reply.body)


TRICKS = (
    "../outside.txt", "..%2foutside.txt", "%2e%2e/outside.txt", "%2e%2e%2foutside.txt", "..%5coutside.txt",
    "..\\outside.txt", "%252e%252e/outside.txt", "%252e%252e%252foutside.txt", "..%c0%afoutside.txt",
    "%c0%ae%c0%ae/outside.txt", "..;/outside.txt", "./../outside.txt", "org/../../outside.txt", "org/../inside.txt",
    "./inside.txt", "org//A.class", "/inside.txt", "//inside.txt", "inside.txt/", "inside.txt/.", "inside.txt/..",
    "inside.txt%00", "inside.txt%00.class", "%00", "inside.txt%0a", "inside.txt%0d%0aX: y", "inside%2etxt%20",
    "/etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "C:/windows", "link.txt", "up/outside.txt",
    "up/classes/inside.txt", "../classes-of-another/outside.txt", "-of-another/outside.txt", ".", "..", "...", "%2e",
    "%", "%2", "%zz", "%u002e%u002e/outside.txt", "\xff", "%ff", "%ed%a0%80", "INSIDE.TXT", "inside.tx",
    "inside.txt::$DATA",
    "inside.txt~", "org", "org/", "", "a" * 300, "a/" * 600 + "a", "inside.txt%23", "%e2%80%ae",
    "..%e2%88%95outside.txt", "~root", "$HOME", "`id`", "{{7*7}}", "*", "[i]nside.txt", "inside.txt;.class",
    "..%00/outside.txt", "..%09/outside.txt",
)  # fmt: skip
# The same file written in another way, which is harmless.
SAME = ("inside%2etxt", "%69nside.txt", "a%20b.txt", "100%2525.txt")


def opened(server: Running, path: str) -> str:
    return f"/read/{server.key.capability('release')}/release/classes/{path}"


@pytest.mark.parametrize("path", TRICKS)
def test_no_trick_leads_out(server: Running, path: str) -> None:
    """Asked with a URL that opens all of the root, so that it is the path alone that is refused."""
    for method in ("GET", "HEAD"):
        reply = sent(server, raw(opened(server, path), method=method))
        assert reply["status"] in ((404,) if path.isascii() and "X: y" not in path else (404, 400)), reply
        assert reply["body"] == "" or reply["status"] == 400
        assert OUTSIDE.decode() not in reply["body"] and "root:" not in reply["body"]


@pytest.mark.parametrize("path", SAME)
def test_what_is_only_written_otherwise_is_served(server: Running, path: str) -> None:
    assert sent(server, raw(opened(server, path)))["body"] == INSIDE.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/read", "/read/", "/read/x", "/read/x/release/classes/inside.txt", "/read//release/classes/inside.txt",
        "/read/../read/{c}/release/classes/inside.txt", "/read/{c}", "/read/{c}/release", "/read/{c}/release/list",
        "/read/{c}/release/sessions", "/read/{c}/release/blobs/{sha}", "/read/{c}/release/python/../classes/inside.txt",
        "/read/{c}/pushed/release/classes/inside.txt", "/read/{c}/pushed/{version}/python/mylib/a.py",
        "/read/{C}/release/classes/inside.txt", "/read/{c}x/release/classes/inside.txt", "/READ/{c}/release/classes/a",
        "/read/{pushed}/release/classes/inside.txt", "/read/{pushed}/pushed/{other}/python/mylib/a.py",
        "/read/{pushed}/pushed/{version}/python/../python/mylib/a.py", "/read/{pushed}/pushed/{version}/mylib/a.py",
        "/read/{pushed}/pushed/{version}", "/read/{pushed}/pushed/{version}/",
    ],
)  # fmt: skip
def test_a_url_opens_what_it_is_for_and_nothing_else(server: Running, path: str) -> None:
    version = next(iter(server.pushes.sessions.versions()))
    capability = server.key.capability("release")
    filled = path.format(
        c=capability, C=capability.upper(), sha=hashlib.sha256(INSIDE).hexdigest(), version=version, other="0" * 64,
        pushed=server.key.capability(f"pushed/{version}"),
    )  # fmt: skip
    reply = sent(server, raw(filled))
    assert reply["status"] == (401 if filled in ("/read",) or filled.startswith("/READ") else 404)
    assert reply["body"] == ""


def test_a_url_opens_a_version_that_was_pushed(server: Running) -> None:
    version = next(iter(server.pushes.sessions.versions()))
    path = f"/read/{server.key.capability(f'pushed/{version}')}/pushed/{version}/python/mylib/a.py"
    assert sent(server, raw(path))["body"] == "pushed"
    assert sent(server, raw(path, method="POST"))["status"] == 404


@pytest.mark.parametrize(
    "text",
    [
        "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET http://other/list HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT other:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n", "GET //list HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /{'a' * 20_000} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET / HTTP/1.1\r\nX: {'a' * 70_000}\r\n\r\n",
        "POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_request_breaks_nothing(server: Running, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    reply = sent(server, text, "" if "\r\n\r\n" in text else "\r\n\r\n")
    assert reply["status"] in (0, 400, 401, 404), reply
    assert "Error" not in reply["body"] and "sparkspace" not in reply["body"]
    assert server.signed("GET", "/sessions").status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_stranger_s_body_is_not_waited_for(server: Running) -> None:
    """He announces much, and sends nothing."""
    began = time.monotonic()
    assert sent(server, raw("/push", "Content-Length: 60000000", method="POST"))["status"] == 401
    assert time.monotonic() - began < 10


def entry(content: bytes) -> list[object]:
    return [hashlib.sha256(content).hexdigest(), len(content)]


GOOD = {"python/mylib/a.py": entry(b"x")}


@pytest.mark.parametrize(
    ("head", "contents", "status"),
    [
        *(
            ({"to": "ann", "files": {name: entry(b"x")}, "sent": []}, (), 400)
            for name in (
                "../x", "python/../x", "/python/x", "python//x", "python/", "python", "x.py", "lib/x.py", "python/./x",
                "python/\0", "python/a\\b", "python/a\nb", "classes/../python/x", "Python/x", "", "python/" + "a" * 300,
                "python/" + "a/" * 600 + "a", "python/\ud800",
            )
        ),
        ({"to": "ann", "files": {"python/a": entry(b"x"), "python/a/b": entry(b"x")}, "sent": []}, (), 400),
        ({"to": "ann", "files": [], "sent": []}, (), 400),
        ({"to": "ann", "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": None}, "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": ["0" * 63, 1]}, "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": ["0" * 64, -1]}, "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": ["0" * 64, True]}, "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": ["../" + "0" * 61, 1]}, "sent": []}, (), 400),
        ({"to": "ann", "files": {"python/a": ["0" * 64, 51 * 1024 * 1024]}, "sent": []}, (), 413),
        ({"to": "ann", "files": GOOD, "sent": [entry(b"x")[0]]}, (b"y",), 400),
        ({"to": "ann", "files": GOOD, "sent": [entry(b"x")[0]]}, (), 400),
        ({"to": "ann", "files": GOOD, "sent": [entry(b"x")[0]]}, (b"xx",), 400),
        ({"to": "ann", "files": GOOD, "sent": [entry(b"y")[0]]}, (b"y",), 400),
        ({"to": "ann", "files": GOOD, "sent": 7}, (), 400),
        ({"to": "ann", "files": GOOD, "sent": [[]]}, (), 400),
        ({"to": "bob", "files": GOOD, "sent": []}, (), 404),
        ({"to": None, "files": GOOD, "sent": []}, (), 404),
        ({"to": "../ann", "files": GOOD, "sent": []}, (), 404),
    ],
)  # fmt: skip
def test_what_is_pushed_is_not_believed(
    server: Running, head: dict[str, object], contents: tuple[bytes, ...], status: int
) -> None:
    before = server.signed("GET", "/sessions").json
    reply = server.signed("POST", "/push", manifest.packed(head, contents))
    assert reply.status == status, reply
    assert server.signed("GET", "/sessions").json == before


def test_what_can_not_be_read_is_refused(server: Running) -> None:
    bomb = manifest.packed({"to": "ann", "files": {}, "sent": []}, (b"\0" * 10_000_000 for _ in range(8)))
    assert len(bomb) < 1_000_000
    deep = b"[" * 100_000
    for body in (b"", b"x", b"{}", bomb, manifest.packed({}, [b"x"])[:-3], manifest.packed({})[:5], deep):
        assert server.signed("POST", "/push", body).status == 400
        assert server.signed("POST", "/fetch", body).status == 400


def test_nothing_is_fetched_but_what_was_pushed(server: Running) -> None:
    for wanted in (["0" * 64], ["../../outside.txt"], [7], [entry(COMPANION)[0]], [None]):
        assert server.signed("POST", "/fetch", manifest.packed({"wanted": wanted})).status == 404
    found = manifest.unpacked(server.signed("POST", "/fetch", manifest.packed({"wanted": [entry(b"pushed")[0]]})).body)
    assert manifest.cut(found[1], [Entry(*each) for each in found[0]["sent"]]) == {entry(b"pushed")[0]: b"pushed"}


def test_the_secret_is_nowhere_to_be_seen(server: Running) -> None:
    key = Key(SECRET)
    assert SECRET not in repr(key) + str(vars(key)) + str(key.headers(Request("GET", "/"))) + key.capability("release")
