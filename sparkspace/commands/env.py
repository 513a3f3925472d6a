"""``sparkspace env``: lines of shell after which the ``heroku`` command, and other clients, drive the box."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from ..box import certificate, record
from .arguments import Parser

DESCRIPTION = """\
Print lines of shell after which the heroku command of this shell drives the box, and not Heroku:

  eval "$(bin/sparkspace env)"
  heroku ps

They hold the token of the box's API."""


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print them."""
    Parser("env", DESCRIPTION).parse_args(args)
    for key, value in variables(record.find(record.app_folder(Path.cwd()))).items():
        print(f"export {key}={shlex.quote(value)}")
    return 0


def variables(box: record.Box) -> dict[str, str]:
    """What the heroku command reads. Source: lib/vars.ts and lib/api-client.ts of github.com/heroku/heroku-cli-command.

    Without ``HEROKU_PARTICLEBOARD_URL`` and ``DISABLE_TELEMETRY`` it would show the box's token to two services of
    Heroku's: one tells whether an account has paid, the other counts what people use. Without ``HEROKU_GIT_HOST`` it
    would write every box into ``~/.gitconfig``. ``NODE_EXTRA_CA_CERTS`` is Node's own.
    """
    return {
        "HEROKU_HOST": box.url,
        "HEROKU_API_KEY": box.token,
        "HEROKU_APP": box.app,
        "HEROKU_PARTICLEBOARD_URL": box.url,
        "HEROKU_GIT_HOST": "git.heroku.com",
        "DISABLE_TELEMETRY": "true",
        "NODE_EXTRA_CA_CERTS": str(Path(box.folder) / certificate.AUTHORITY),
    }
