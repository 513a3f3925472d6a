"""``sparkspace open``: the web process of the box, in a browser."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping
from pathlib import Path

from ..box import record
from ..errors import BoxError
from ..log import notice
from . import entrance
from .arguments import Parser


def run(name: str, args: list[str], env: Mapping[str, str]) -> int:
    """Print the URL, and open it where there is a desktop.

    Raises:
        BoxError: no box is open here, or the app has no web process.
    """
    parser = Parser("open", "Print the URL of the web process with its user, and open it where there is a desktop.")
    parser.add_argument("path", nargs="?", default="/sparkspace/", help="e.g. /notebook/; default: the start page")
    path = parser.parse_args(args).path
    box = record.find(record.app_folder(Path.cwd()))
    if not box.web:
        raise BoxError("The Procfile has no process type 'web'.", "Add the line: web: bin/space-proxy")
    url = entrance.url(box, path)
    print(url, flush=True)
    notice("The password: bin/sparkspace config:get SPACE_PROXY_BASIC_AUTH")
    if env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)
    return 0
