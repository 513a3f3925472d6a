"""The one error of a build."""

from __future__ import annotations

from sparkspace.errors import SparkspaceError


class BuildError(SparkspaceError):
    """The build can't go on. Heroku tells only nought from other exit codes, so there is one for all."""

    exit_code = 1
    reason = "build"
