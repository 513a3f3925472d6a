"""The box's HTTP API: the paths, JSON, headers and errors of Heroku's Platform API v3, for what the box has.

Source: the published schema (github.com/heroku/heroku-go, v6/schema.json) and
devcenter.heroku.com/articles/platform-api-reference.
"""

from __future__ import annotations

from aiohttp import web

from ..space import Space
from .apps import Apps
from .dynos import Dynos
from .formation import Formation
from .guard import Guard
from .logs import Logs
from .releases import Releases

MOST_BYTES = 1 << 20  # of a body


def application(space: Space, token: str, url: str, rendezvous: str) -> web.Application:
    """The API of a space. ``url`` is where it is reached, ``rendezvous`` where attached commands are fetched."""
    guard = Guard(space, token)
    app = web.Application(middlewares=[guard.middleware()], client_max_size=MOST_BYTES)
    nouns = (Apps(space, guard.bucket), Dynos(space, rendezvous), Formation(space), Releases(space), Logs(space, url))
    for noun in nouns:
        app.add_routes(noun.routes())
    return app
