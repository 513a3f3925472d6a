"""What is counted of what the log says; who may ask for it, and tell; and a worker that tells before it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from sparkspace import log, ports
from sparkspace.cluster import tally
from sparkspace.cluster.signature import SEAL, Request
from sparkspace.cycling.counts import Counts, reason
from sparkspace.cycling.tally import Tally
from sparkspace.cycling.teller import Teller
from sparkspace.proxy.families import parse

from .launchers import SECRET
from .test_supervisor import until

PARENT = Path(__file__).resolve().parent.parent / "sparkspace" / "cycling" / "parent.py"


def value(text: bytes, name: str, **labels: str) -> float | None:
    """Of one series; None: there is none."""
    found = [each for family in parse(text.decode()) for each in family.samples]
    return next((each.value for each in found if each.name == name and each.labels == labels), None)


@pytest.mark.parametrize(
    ("at", "facts", "name", "labels", "becomes"),
    [
        ("draining", {"executors": 2}, "drains_begun_total", {"by": "sigterm"}, 1),
        ("drained", {"seconds": "3.5"}, "drains_total", {"by": "sigterm", "outcome": "drained"}, 1),
        ("drained", {"seconds": "3.5"}, "drain_seconds_sum", {"by": "sigterm"}, 3.5),
        ("cut-off", {"executors_left": "2"}, "drains_total", {"by": "sigterm", "outcome": "cut-off"}, 1),
        ("cut-off", {"executors_left": "2"}, "drain_executors_cut_off_total", {}, 2),
        ("cycling-drain", {}, "drains_begun_total", {"by": "turn"}, 1),
        ("cycling-drained", {"after_s": 70}, "drain_seconds_bucket", {"by": "turn", "le": "300.0"}, 1),
        ("cycling-drained", {"after_s": 70}, "drain_seconds_bucket", {"by": "turn", "le": "60.0"}, 0),
        ("cycling-cut-off", {"after_s": 70}, "drains_total", {"by": "turn", "outcome": "cut-off"}, 1),
        ("cycling-undrained", {"reason": "x"}, "drains_untold_total", {}, 1),
        ("cycling-restart", {"dyno": "worker.2", "reason": "its-turn"}, "cycling_restarts_total",
         {"type": "worker", "reason": "its-turn"}, 1),
        ("cycling-back", {"dyno": "master.1", "after_s": 9}, "cycling_returns_total",
         {"type": "master", "outcome": "back"}, 1),
        ("cycling-back", {"dyno": "master.1", "after_s": 9}, "cycling_away_seconds_sum", {"type": "master"}, 9),
        ("cycling-absent", {"dyno": "worker.2"}, "cycling_returns_total", {"type": "worker", "outcome": "absent"}, 1),
        ("cycling-left", {"dyno": "worker.2", "reason": "worker.3-is-away"}, "cycling_left_total",
         {"type": "worker", "reason": "worker-is-away"}, 1),
        ("cycling-stopped", {"reason": "TokenRefused", "status": 401}, "cycling_stopped_total",
         {"reason": "TokenRefused"}, 1),
        ("scaling-stopped", {"reason": "RateLimited"}, "scaling_stopped_total", {"reason": "RateLimited"}, 1),
    ],
)  # fmt: skip
def test_lines_of_the_log_are_counted(
    at: str, facts: dict[str, object], name: str, labels: dict[str, str], becomes: float
) -> None:
    counts = Counts()
    counts.hear(at, facts)
    assert value(counts.text(), f"sparkspace_{name}", **labels) == becomes


@pytest.mark.parametrize(("wanted", "decision"), [(3, "up"), (2, "stay"), (1, "down")])
def test_decisions_of_the_scaler_are_counted_with_their_reason(wanted: int, decision: str) -> None:
    counts = Counts()
    why = "app-20261122122750-0000,app-20261122122751-0001-waits-for-executors"
    facts = {"dynos": 2, "dynos_wanted": wanted, "reason": why, "dyno_seconds_a_day": None, "dyno_seconds_spent": 90.5}
    labels = {"decision": decision, "reason": "application-waits-for-executors"}
    assert value(counts.text(), "sparkspace_scaling_decisions_total", **labels) == (0 if decision == "up" else None)
    counts.hear("scaling-looked", facts)
    text = counts.text()
    assert value(text, "sparkspace_scaling_decisions_total", **labels) == 1
    assert value(text, "sparkspace_scaling_dynos_wanted", type="worker") == wanted
    assert value(text, "sparkspace_scaling_dyno_seconds_spent", type="worker") == 90.5
    assert value(text, "sparkspace_scaling_dyno_seconds_a_day", type="worker") is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("nothing-to-do", "nothing-to-do"),
        ("app-20261122122750-0000-has-just-asked", "application-has-just-asked"),
        ("worker.13-keeps-files-of-app-20261122122750-0000", "worker-keeps-files-of-application"),
        ("worker.3-was-needed-less-than-600-s-ago", "worker-was-needed-less-than-N-s-ago"),
        ("the-day's-8-dyno-hours-are-spent", "the-day's-N-dyno-hours-are-spent"),
        ("2-on-the-way", "N-on-the-way"),
        ("younger-than-62.5-minutes", "younger-than-N-minutes"),
        ("beyond-SPARK_MASTERS", "beyond-SPARK_MASTERS"),
    ],
)
def test_reasons_are_few(said: str, shown: str) -> None:
    """Each is a series, for as long as Prometheus remembers."""
    assert reason({"reason": said}) == shown


def test_most_lines_are_nothing_to_count_and_none_is_too_odd() -> None:
    counts = Counts()
    before = counts.text()
    for at in ("swept", "serving", "cycling-begins", "cycling-over", ""):
        counts.hear(at, {"reason": "x"})
    assert counts.text() == before
    for at in ("drained", "cycling-back", "cycling-left"):
        counts.hear(at, {"seconds": "soon", "after_s": None})


def test_what_is_told_is_not_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_listeners", [])
    heard: list[object] = []
    log.listen(lambda at, facts: heard.append((at, dict(facts))))
    log.tell("quiet", a=1)
    log.event("loud", b=2)
    assert heard == [("quiet", {"a": 1}), ("loud", {"b": 2})]
    assert capsys.readouterr().err == "sparkspace at=loud b=2\n"


# Over HTTP


@contextlib.contextmanager
def serving(host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[Counts, int]]:
    """One, and its port."""
    counts = Counts()
    server = Tally(counts, tally.key(SECRET)).listen(host, port)
    try:
        yield counts, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def send(
    port: int,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    signs: bytes | None = None,
) -> tuple[int, bytes, str]:
    """Status, body and seal of one request; by default signed, for this body or for another (``signs``)."""
    meant = hashlib.sha256(body if signs is None else signs).hexdigest()
    sent = tally.key(SECRET).headers(Request(method, path, meant)) if headers is None else headers

    async def asked() -> tuple[int, bytes, str]:
        async with aiohttp.ClientSession() as session:
            async with session.request(method, f"http://127.0.0.1:{port}{path}", data=body, headers=sent) as reply:
                return reply.status, await reply.read(), reply.headers.get(SEAL, "")

    return asyncio.run(asked())


def told(at: str, **facts: object) -> bytes:
    return json.dumps({"at": at, "facts": facts}).encode()


def test_strangers_get_one_answer_whatever_they_ask() -> None:
    old = {"Authorization": f"Sparkspace 1:{'0' * 32}:{'0' * 64}:{'0' * 64}"}
    with serving() as (counts, port):
        before = counts.text()
        answers = {
            send(port, method, path, told("drained"), headers)
            for method in ("GET", "POST", "DELETE")
            for path in (tally.COUNTS, tally.EVENTS, "/", "/nowhere")
            for headers in ({}, {"Authorization": f"Bearer {SECRET}"}, old)
        }
        assert answers == {(401, b"", "")}
        assert counts.text() == before


def test_a_request_counts_once() -> None:
    with serving() as (counts, port):
        body = told("drained", seconds="1")
        sent = tally.key(SECRET).headers(Request("POST", tally.EVENTS, hashlib.sha256(body).hexdigest()))
        assert [send(port, "POST", tally.EVENTS, body, sent)[0] for _ in range(3)] == [204, 401, 401]
        assert value(counts.text(), "sparkspace_drain_seconds_count", by="sigterm") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"7", b"null", b"{", b"\xff", b'{"at": "drained"}', b'{"at": "drained", "facts": 7}',
        told("scaling-looked", dynos=1, dynos_wanted=2), told("serving"), b"[" * 4000, told("drained", x="y" * 5000),
    ],
)  # fmt: skip
def test_what_can_not_be_counted_is_refused(body: bytes) -> None:
    with serving() as (counts, port):
        before = counts.text()
        assert send(port, "POST", tally.EVENTS, body)[0] == 400
        assert counts.text() == before


def test_another_body_than_the_signed_one_is_refused() -> None:
    with serving() as (counts, port):
        assert send(port, "POST", tally.EVENTS, told("drained"), signs=told("draining"))[0] == 400
        assert value(counts.text(), "sparkspace_drain_seconds_count", by="sigterm") == 0


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", tally.EVENTS), ("POST", tally.COUNTS), ("GET", f"{tally.COUNTS}?x=1")]
)
def test_there_is_nothing_else(method: str, path: str) -> None:
    with serving() as (_, port):
        assert send(port, method, path)[0] == 404


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"BREW /counts HTTP/1.0\r\n\r\n", b"GET " + b"x" * 70_000],
)
def test_what_is_no_request_harms_nobody(sent: bytes) -> None:
    with serving() as (_, port):
        with socket.create_connection(("127.0.0.1", port), 10) as stranger:
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
            assert b"Python" not in stranger.recv(65_536)
        assert send(port, "GET", tally.COUNTS)[0] == 200


@pytest.mark.parametrize("length", ["-1", "x", "99999999999", "5000", ""])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with serving() as (_, port), socket.create_connection(("127.0.0.1", port), 10) as sender:
        signed = tally.key(SECRET).headers(Request("POST", tally.EVENTS, hashlib.sha256(b"x").hexdigest()))
        lines = [f"{name}: {value}" for name, value in {**signed, "Content-Length": length}.items()]
        sender.sendall("\r\n".join([f"POST {tally.EVENTS} HTTP/1.0", *lines, "", "x"]).encode())
        assert b" 400 " in sender.recv(4096)


def test_who_says_nothing_keeps_nobody_out() -> None:
    with serving() as (_, port), socket.create_connection(("127.0.0.1", port), 10):
        assert send(port, "GET", tally.COUNTS)[0] == 200


# Told from elsewhere


def test_teller_tells_all_masters_also_when_one_is_away() -> None:
    first, second, away = (f"127.77.{os.getpid() % 250}.{number}" for number in (1, 2, 3))
    with serving(first, ports.TALLY) as (counts, _), serving(second, ports.TALLY) as (others, _):
        teller = Teller(f"spark://{first}:7077,{away}:7077,{second}:7077", SECRET, "worker.1")
        teller.hear("draining", {"executors": 1})
        teller.hear("drained", {"seconds": 2.5, "executors_left": 0})
        teller.close(20)
        for each in (counts, others):
            assert value(each.text(), "sparkspace_drains_begun_total", by="sigterm") == 1
            assert value(each.text(), "sparkspace_drain_seconds_sum", by="sigterm") == 2.5


@pytest.mark.parametrize("url", ["spark://127.0.0.1:7077", "spark://nowhere.invalid:7077", "", "local[*]"])
def test_teller_harms_nobody(url: str) -> None:
    teller = Teller(url, SECRET, "worker.1")
    teller.hear("drained", {})
    teller.close(20)
    teller.close(20)


WORKER = """\
import signal, sys, time
signal.signal(signal.SIGPWR, lambda *_: sys.exit())
print("ready", flush=True)
time.sleep(60)
"""


def test_worker_s_parent_tells_of_its_drain_before_it_is_gone() -> None:
    """With the standard library alone, as it runs in a dyno."""
    master = f"127.78.{os.getpid() % 250}.1"
    with serving(master, ports.TALLY) as (counts, _):
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", PARENT, "worker", sys.executable, "-c", WORKER, f"spark://{master}:7077"],
            env={"_SPARK_AUTH_SECRET": SECRET, "DYNO": "worker.1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        with process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        until(lambda: value(counts.text(), "sparkspace_drains_begun_total", by="sigterm") == 1, 10)
        assert value(counts.text(), "sparkspace_drains_total", by="sigterm", outcome="drained") == 1
        assert SECRET not in said
