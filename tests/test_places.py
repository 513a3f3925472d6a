"""Where names are: only where a dyno can be, and not where it was once a name is gone."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from sparkspace.proxy import places
from sparkspace.proxy.places import Places

HOST = "1.master.myapp.app.localspace"
GONE = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
FAILING = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
Answer = list[str] | Exception


class Loop(asyncio.SelectorEventLoop):
    """Names resolve to what a test says, one answer after the other."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[tuple[object, ...]] = []

    async def getaddrinfo(self, host: Any, port: Any, *, family: int = 0, **more: int) -> list[Any]:  # noqa: ANN401
        """What the next answer is."""
        self.asked.append((host, port, family))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if answer == ["never"]:
            await asyncio.sleep(60)
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


def located(answers: list[Answer], own_ip: str = "10.0.0.1") -> list[str]:
    """Where a name is, asked as often as there are answers."""
    loop = Loop(answers)

    async def ask(where: Places, times: int) -> list[str]:
        return [await where.locate(HOST, 8080) for _ in range(times)]

    try:
        found = loop.run_until_complete(ask(Places(own_ip), len(answers)))
        assert set(loop.asked) == {(HOST, 8080, socket.AF_INET)}
        return found
    finally:
        loop.close()


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        (["10.0.0.2"], "10.0.0.2:8080"),
        (["172.16.0.9"], "172.16.0.9:8080"),
        (["192.168.1.1"], "192.168.1.1:8080"),
        (["10.0.0.1"], "10.0.0.1:8080"),
        (["169.254.169.254", "10.0.0.2"], "10.0.0.2:8080"),
        (["10.0.0.3", "10.0.0.2"], "10.0.0.3:8080"),
        ([], ""),
        (["127.0.0.1"], ""),
        (["127.255.255.254"], ""),
        (["169.254.169.254"], ""),
        (["0.0.0.0"], ""),
        (["8.8.8.8"], ""),
        (["172.32.0.1"], ""),
        (["224.0.0.1"], ""),
    ],
)
def test_only_a_dynos_address_is_one(addresses: list[str], found: str) -> None:
    assert located([addresses]) == [found]


@pytest.mark.parametrize(
    ("address", "found"),
    [("127.0.1.2", "127.0.1.2:8080"), ("10.0.0.2", ""), ("169.254.169.254", ""), ("8.8.8.8", ""), ("0.0.0.0", "")],
)
def test_box_of_which_every_dyno_is_on_loopback(address: str, found: str) -> None:
    assert located([[address]], own_ip="127.0.1.1") == [found]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([["10.0.0.2"], ["10.0.0.3"]], ["10.0.0.2", "10.0.0.3"]),
        ([["10.0.0.2"], GONE], ["10.0.0.2", ""]),
        ([["10.0.0.2"], GONE, FAILING], ["10.0.0.2", "", ""]),
        ([["10.0.0.2"], FAILING], ["10.0.0.2", "10.0.0.2"]),
        ([["10.0.0.2"], OSError("no file is left"), FAILING], ["10.0.0.2", "10.0.0.2", "10.0.0.2"]),
        ([["10.0.0.2"], ["8.8.8.8"], FAILING], ["10.0.0.2", "", ""]),
        ([["10.0.0.2"], FAILING, GONE, ["10.0.0.3"], FAILING], ["10.0.0.2", "10.0.0.2", "", "10.0.0.3", "10.0.0.3"]),
        ([GONE], [""]),
        ([FAILING, ["10.0.0.2"]], ["", "10.0.0.2"]),
    ],
)
def test_name_that_is_gone_and_resolver_that_fails(answers: list[Answer], found: list[str]) -> None:
    assert located(list(answers)) == [address and f"{address}:8080" for address in found]


def test_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "RESOLVE_WITHIN_S", 0.05)
    assert located([["never"], ["10.0.0.2"], ["never"]]) == ["", "10.0.0.2:8080", "10.0.0.2:8080"]


def test_what_was_remembered_is_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "REMEMBERED_FOR_S", 0.0)
    assert located([["10.0.0.2"], FAILING]) == ["10.0.0.2:8080", ""]
