"""Lines for the operator: one line each, whatever is in it."""

from __future__ import annotations

import pytest

from sparkspace import log
from sparkspace.errors import ConfigError, SparkspaceError, abridged


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10.1.1.1:7077", "10.1.1.1:7077"),
        ("é", "é"),
        (3, "3"),
        ("", '""'),
        ("a b", '"a b"'),
        ('say "x"', r'"say \"x\""'),
        ("a=b", '"a=b"'),
        ("C:\\x", r'"C:\\x"'),
        ("one\nsparkspace at=forged", r'"one\nsparkspace at=forged"'),
    ],
)
def test_logfmt(value: object, shown: str) -> None:
    assert log.logfmt(value) == shown


def test_events_and_notices_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("ready", dyno="run.1", what="a b")
    log.notice("one", "two")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == 'sparkspace at=ready dyno=run.1 what="a b"\n !     one\n !     two\n'


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("x" * 80, "x" * 80), ("a" * 50 + "b" * 50, f"{'a' * 40}…{'b' * 20} (100 characters)")],
)
def test_long_values_are_abridged(text: str, shown: str) -> None:
    assert abridged(text) == shown


def test_every_error_has_an_exit_code_of_its_own() -> None:
    errors = [error for error in SparkspaceError.__subclasses__() if error.__module__ == "sparkspace.errors"]
    own = [error for error in errors if error.exit_code not in (0, 1, 2, 126, 127) and error.exit_code < 128]
    assert own == errors
    assert len({error.reason for error in errors}) == len({error.exit_code for error in errors}) == len(errors)
    assert SparkspaceError("one\ntwo", "three\nfour").lines() == ["one", "two", "three", "four"]
    assert ConfigError("VAR", "must be x").lines() == ["VAR must be x."]
