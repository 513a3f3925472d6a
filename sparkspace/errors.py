"""Every error that a user can cause or cure. Only ``cli.main`` turns them into exit codes.

::

    SparkspaceError
    ├── UsageError           64   a command line that can't be taken
    ├── MasterUnreachable    69   a wait for the cluster ran out
    ├── CheckFailed          70   ``doctor`` or a job found the cluster wanting
    ├── PlatformError        71   a fact that the platform should give is missing
    ├── LaunchError          72   a program to become is missing or can't run
    ├── BoxError             73   the box can't be opened, found or closed
    ├── ApiError             76   the Platform API refused, or isn't there
    └── ConfigError          78   a config var is wrong

The exit codes are those of ``sysexits.h``: clear of 1 (a bug, or Spark's own failure), 126 and 127 (the shell), 130 and
143 (signals).
"""

from __future__ import annotations


class SparkspaceError(Exception):
    """Base of all: ``message`` says what is wrong and what was found, ``cure`` what to type."""

    exit_code = 70
    reason = "internal"

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        """For a notebook or shell, where nobody else shows the cure."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """What the operator reads, a line each."""
        return [*self.message.splitlines(), *self.cure.splitlines()]


class UsageError(SparkspaceError):
    """An unknown command, or an option or argument that can't be taken."""

    exit_code = 64
    reason = "usage"


class MasterUnreachable(SparkspaceError):
    """No master answered in time, or what was waited for did not come."""

    exit_code = 69
    reason = "master-unreachable"


class CheckFailed(SparkspaceError):
    """A check of a running cluster failed."""

    exit_code = 70
    reason = "check-failed"


class PlatformError(SparkspaceError):
    """Heroku (or the box) did not give a fact that a dyno of a Private Space has."""

    exit_code = 71
    reason = "platform"


class LaunchError(SparkspaceError):
    """The program to become is missing, too old, or can't run."""

    exit_code = 72
    reason = "launch"


class BoxError(SparkspaceError):
    """The box can't be opened, found or closed."""

    exit_code = 73
    reason = "box"


class ApiError(SparkspaceError):
    """The Platform API refused a call, or nothing answered.

    ``id`` is Heroku's word for it (``not_found``, ``invalid_params``, …), ``status`` the HTTP status (0: no answer).
    """

    exit_code = 76
    reason = "api"

    def __init__(self, message: str, cure: str = "", *, id: str = "", status: int = 0) -> None:
        super().__init__(message, cure)
        self.id = id
        self.status = status


class ConfigError(SparkspaceError):
    """A config var is wrong. Names the var, what was found (``shown``; never a secret) and a value that would do."""

    exit_code = 78
    reason = "config"

    def __init__(self, var: str, must: str, found: str | None = None, example: str = "") -> None:
        self.var = var
        but = "" if found is None else f", but it is {abridged(found)!r}"
        cure = f"Set it with: heroku config:set {var}={example}" if example else ""
        super().__init__(f"{var} {must}{but}.", cure)


def abridged(text: str, limit: int = 80) -> str:
    """``text`` with its middle left out when it is longer than ``limit``: an error stays readable whatever was set."""
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 4 :]} ({len(text)} characters)"
