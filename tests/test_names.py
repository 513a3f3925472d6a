"""Names of the space: the table, the DNS server that is really asked, and the hosts file."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnslib import RCODE, DNSRecord
from dnslib.server import DNSLogger, DNSServer

from sparkspace.box.names import TTL_S, HostsFile, Names, Resolver, serve

DOMAIN = "myapp.app.localspace"


def filled() -> Names:
    """A master and two workers."""
    table = Names("myapp")
    table.set("master.1", "10.1.1.1")
    table.set("worker.1", "10.1.1.2")
    table.set("worker.2", "10.1.1.3")
    return table


@contextlib.contextmanager
def answering(names: Names) -> Iterator[int]:
    """Answer on a free port of loopback."""
    server = DNSServer(Resolver(names), address="127.0.0.1", port=0, logger=DNSLogger("-request,-reply,-truncated"))
    server.start_thread()
    try:
        yield server.server.server_address[1]
    finally:
        server.stop()
        server.server.server_close()
        server.thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of a table that does not change."""
    with answering(filled()) as port:
        yield port


def ask(name: str, port: int, kind: str = "A", address: str = "127.0.0.1") -> DNSRecord:
    return DNSRecord.parse(DNSRecord.question(name, kind).send(address, port, timeout=5))


ANSWERS = [
    (f"1.master.{DOMAIN}", ["10.1.1.1"]),
    (f"2.worker.{DOMAIN}", ["10.1.1.3"]),
    ("2.WORKER.MyApp.app.localspace.", ["10.1.1.3"]),
    (f"worker.{DOMAIN}", ["10.1.1.2", "10.1.1.3"]),
    (f"3.worker.{DOMAIN}", []),
    (f"2.master.{DOMAIN}", []),
    (f"1.web.{DOMAIN}", []),
    ("1.worker.other.app.localspace", []),
    (f"x.1.worker.{DOMAIN}", []),
    (DOMAIN, []),
    ("localhost", []),
    ("www.example.com", []),
    ("日本.example.com", []),
]


@pytest.mark.parametrize(("name", "addresses"), ANSWERS)
def test_answer(port: int, name: str, addresses: list[str]) -> None:
    reply = ask(name, port)
    assert [str(record.rdata) for record in reply.rr] == addresses
    assert reply.header.rcode == (RCODE.NOERROR if addresses else RCODE.NXDOMAIN)
    assert [record.ttl for record in reply.rr if record.ttl != TTL_S] == []


@pytest.mark.parametrize("kind", ["AAAA", "TXT", "MX"])
def test_other_questions_about_a_dyno_have_no_answer(port: int, kind: str) -> None:
    """No IPv6 address is not no such name: with NXDOMAIN a resolver would give up on the name."""
    reply = ask(f"1.master.{DOMAIN}", port, kind)
    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


def test_answers_follow_the_table() -> None:
    names = filled()
    with answering(names) as port:
        names.set("worker.1", "10.1.1.9")
        assert str(ask(f"1.worker.{DOMAIN}", port).rr[0].rdata) == "10.1.1.9"
        names.drop("worker.1", "10.1.1.2")  # the older dyno of the name, which has drained
        assert str(ask(f"1.worker.{DOMAIN}", port).rr[0].rdata) == "10.1.1.9"
        names.drop("worker.1", "10.1.1.9")
        assert ask(f"1.worker.{DOMAIN}", port).header.rcode == RCODE.NXDOMAIN


def test_names_that_lag_point_to_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    names = Names("myapp", lag_s=10)
    names.set("master.1", "10.1.1.1")
    now[0] += 9
    assert names.find(f"1.master.{DOMAIN}") == []
    now[0] += 1
    assert names.find(f"1.master.{DOMAIN}") == ["10.1.1.1"]
    names.set("master.1", "10.1.1.2")
    names.drop("master.1", "10.1.1.1")
    now[0] += 9
    assert names.find(f"1.master.{DOMAIN}") == ["10.1.1.1"]
    now[0] += 1
    assert names.find(f"1.master.{DOMAIN}") == ["10.1.1.2"]


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"\xff" * 600, b"GET / HTTP/1.0\r\n\r\n"])
def test_server_survives_garbage(port: int, garbage: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(garbage, ("127.0.0.1", port))
    assert ask(f"1.master.{DOMAIN}", port).rr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen on port 53")
def test_server_of_a_box_has_the_port_that_resolvers_ask() -> None:
    address = f"127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
    serve(filled(), address)
    assert str(ask(f"1.master.{DOMAIN}", 53, address=address).rr[0].rdata) == "10.1.1.1"


def test_hosts_file_is_newer_after_every_change(tmp_path: Path) -> None:
    """libnss-wrapper reads a file anew only when its time in seconds is another."""
    names, path = filled(), tmp_path / "hosts"
    hosts = HostsFile(names, path)
    assert path.read_text() == (
        "127.0.0.1 localhost\n"
        f"10.1.1.1 1.master.{DOMAIN} master.{DOMAIN}\n"
        f"10.1.1.2 1.worker.{DOMAIN} worker.{DOMAIN}\n"
        f"10.1.1.3 2.worker.{DOMAIN} worker.{DOMAIN}\n"
    )
    times = [path.stat().st_mtime]
    for _ in range(3):
        names.drop("worker.2", "10.1.1.3")
        hosts.write()
        times.append(path.stat().st_mtime)
    assert times == sorted(set(times))
    assert f"2.worker.{DOMAIN}" not in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
