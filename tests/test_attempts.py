"""Who guesses too often is kept out for a while, and nobody else is. Time is a number here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sparkspace.proxy import attempts
from sparkspace.proxy.attempts import BANNED_FOR_S, MOST_FAILURES, WITHIN_S, Attempts


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted(tmp_path: Path, clock: Clock) -> Attempts:
    (tmp_path / "banned").mkdir()
    return Attempts(tmp_path / "banned", clock)


def banned(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "banned").iterdir()}


def guess(counted: Attempts, client: str, times: int) -> list[bool]:
    return [counted.failed(client) for _ in range(times)]


@pytest.mark.parametrize("client", ["10.0.0.1", "127.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "::"])
def test_guesser_is_kept_out_and_nobody_else(counted: Attempts, tmp_path: Path, client: str) -> None:
    assert guess(counted, "192.0.2.7", MOST_FAILURES - 1) == [False] * (MOST_FAILURES - 1)
    assert guess(counted, client, MOST_FAILURES - 1) == [False] * (MOST_FAILURES - 1)
    assert banned(tmp_path) == set()
    assert counted.failed(client)
    assert banned(tmp_path) == {client}
    counted.sweep()
    assert banned(tmp_path) == {client}


def test_ban_ends(counted: Attempts, tmp_path: Path, clock: Clock) -> None:
    guess(counted, "10.0.0.1", MOST_FAILURES)
    clock.now += 1
    guess(counted, "10.0.0.2", MOST_FAILURES)
    for later, left in ((BANNED_FOR_S - 1.5, {"10.0.0.1", "10.0.0.2"}), (0.5, {"10.0.0.2"}), (1, set())):
        clock.now += later
        counted.sweep()
        assert banned(tmp_path) == left
    assert guess(counted, "10.0.0.1", MOST_FAILURES) == [False] * (MOST_FAILURES - 1) + [True], "he begins anew"


def test_guess_during_a_ban_does_not_end_it(counted: Attempts, tmp_path: Path, clock: Clock) -> None:
    guess(counted, "10.0.0.1", MOST_FAILURES * 2)
    clock.now += BANNED_FOR_S - 1
    guess(counted, "10.0.0.1", 1)
    counted.sweep()
    assert banned(tmp_path) == {"10.0.0.1"}


@pytest.mark.parametrize(("pause_s", "is_kept_out"), [(WITHIN_S / MOST_FAILURES, True), (WITHIN_S / 5, False)])
def test_failures_of_long_ago_do_not_count(
    counted: Attempts, tmp_path: Path, clock: Clock, pause_s: float, is_kept_out: bool
) -> None:
    for _ in range(MOST_FAILURES * 3):
        counted.failed("10.0.0.1")
        clock.now += pause_s
        counted.sweep()
    assert bool(banned(tmp_path)) == is_kept_out


def test_who_has_forgotten_his_password_begins_anew_after_a_minute(counted: Attempts, clock: Clock) -> None:
    guess(counted, "10.0.0.1", MOST_FAILURES - 1)
    clock.now += WITHIN_S + 1
    counted.sweep()
    assert guess(counted, "10.0.0.1", MOST_FAILURES - 1) == [False] * (MOST_FAILURES - 1)


@pytest.mark.parametrize(
    "client",
    [
        "", ".", "..", "...", "::::", "dead", "1.2.3", "1.2.3.4.5", "256.1.1.1", "10.0.0.1\n", " 10.0.0.1",
        "10.0.0.1/x",
        "../users", "/tmp/x", "fe80::1%eth0", "fe80::1%../users", "10.0.0.1\x00", "localhost", "１.2.3.4", "a" * 300,
    ],
)  # fmt: skip
def test_what_is_no_address_never_becomes_a_file(counted: Attempts, tmp_path: Path, clock: Clock, client: str) -> None:
    (tmp_path / "users").write_text("x")
    assert guess(counted, client, MOST_FAILURES * 2) == [False] * (MOST_FAILURES * 2)
    clock.now += BANNED_FOR_S + 1
    counted.sweep()
    assert {path.name for path in tmp_path.rglob("*")} == {"banned", "users"}


def test_memory_has_an_end(counted: Attempts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_CLIENTS", 3)
    guess(counted, "10.0.0.1", MOST_FAILURES - 1)
    for last in (2, 3):
        guess(counted, f"10.0.0.{last}", MOST_FAILURES - 1)
    guess(counted, "10.0.0.4", 1)  # the oldest is forgotten for it
    assert [counted.failed(f"10.0.0.{last}") for last in (2, 3, 1)] == [True, True, False]
    assert banned(tmp_path) == {"10.0.0.2", "10.0.0.3"}


def test_file_that_is_gone_is_no_trouble(counted: Attempts, tmp_path: Path, clock: Clock) -> None:
    guess(counted, "10.0.0.1", MOST_FAILURES)
    (tmp_path / "banned" / "10.0.0.1").unlink()
    clock.now += BANNED_FOR_S
    counted.sweep()


def test_ban_is_logged(counted: Attempts, capsys: pytest.CaptureFixture[str]) -> None:
    guess(counted, "10.0.0.1", MOST_FAILURES)
    assert capsys.readouterr().err == "sparkspace at=login-banned client=10.0.0.1 failures=10 seconds=60\n"
