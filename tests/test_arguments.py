"""Arguments of commands that are more than words, and what ``ps`` shows."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta, timezone

import pytest

from sparkspace.commands import ps
from sparkspace.commands.arguments import Parser, assignment, whole
from sparkspace.errors import UsageError


@pytest.mark.parametrize(
    ("text", "pair"),
    [("A=1", ("A", "1")), ("A=", ("A", "")), ("A=b=c\n d", ("A", "b=c\n d")), ("A", None), ("=1", None)],
)
def test_assignment(text: str, pair: tuple[str, str] | None) -> None:
    if pair:
        assert assignment(text) == pair
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="must be NAME=value"):
            assignment(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("007", 7),
        ("0", None),
        ("-1", None),
        ("1.0", None),
        ("", None),
        ("²", None),
        ("٣", None),
        ("9" * 10, None),
    ],
)
def test_whole_number_of_at_least_one(text: str, number: int | None) -> None:
    if number:
        assert whole(1)(text) == number
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number of at least 1"):
            whole(1)(text)


def test_options_are_not_guessed() -> None:
    parser = Parser("wait", "")
    parser.add_argument("--workers", type=whole(0))
    with pytest.raises(UsageError) as caught:
        parser.parse_args(["--work", "1"])
    assert caught.value.message == "bin/sparkspace wait: unrecognized arguments: --work 1"


def dyno(name: str, ago_s: int, **more: str) -> dict[str, str]:
    since = datetime.now(timezone.utc) - timedelta(seconds=ago_s)
    return {
        "name": name, "type": name.partition(".")[0], "state": "up", "size": "Private-M", "command": "bin/x --y",
        "updated_at": f"{since:%Y-%m-%dT%H:%M:%SZ}", **more,
    }  # fmt: skip


def test_ps_shows_dynos_in_their_order() -> None:
    shown = ps.section([dyno("worker.10", 3700), dyno("worker.2", 125, state="crashed"), dyno("worker.1", 0)])
    lines = shown.splitlines()
    assert lines[0] == "=== worker (Private-M): bin/x --y (3)"
    assert [line.split()[:2] for line in lines[2:]] == [
        ["worker.1:", "up"], ["worker.2:", "crashed"], ["worker.10:", "up"]
    ]  # fmt: skip
    assert lines[3].endswith(" +0000 (~ 2m ago)")
    assert lines[4].endswith(" (~ 1h ago)")


def test_ps_shows_the_command_of_each_one_off_dyno() -> None:
    lines = ps.section([dyno("run.7", 5, command="bash"), dyno("run.6", 5)]).splitlines()
    assert lines[0] == "=== run: one-off processes (2)"
    assert [line.rpartition("ago): ")[2] for line in lines[2:]] == ["bin/x --y", "bash"]
