"""The one error of a build."""

from __future__ import annotations

from sparkspace.errors import SparkspaceError


class BuildError(SparkspaceError):
    """The build can't go on: something is not what it must be, or can't be fetched."""

    exit_code = 74  # EX_IOERR; Heroku tells only nought from the others
    reason = "build"
