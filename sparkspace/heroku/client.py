"""A client of Heroku's Platform API v3 for one app. A box speaks it too, and the box's commands use this.

Source of paths and bodies: the published schema (github.com/heroku/heroku-go, v6/schema.json).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import listed
from .listed import ListedDyno, Spot
from .refusals import BadAnswer, Call, FirGeneration
from .wire import MOST_ATTEMPTS, Reply, Request, Wire

ANSWER_WITHIN_S = 60.0  # stopping a dyno may take its 30 s of grace
MOST_PAGES = 100  # of 200 things each
Json = dict[str, Any]


def api_url(env: Mapping[str, str]) -> str:
    """Where the API is: ``HEROKU_HOST`` as Heroku's own command reads it, set by a box; else Heroku's.

    On Heroku nobody can set it: a config var can't begin with ``HEROKU_``.
    """
    host = env.get("HEROKU_HOST", "").rstrip("/") or "heroku.com"
    return host if host.startswith("http") else f"https://api.{host}"


class Client:
    """Calls about one app. ``url`` is the API's base, ``token`` a bearer token: in no message, and not in ``repr``.

    Every call ends within ``within_s`` seconds, with what it returns or with an ``ApiError`` (see ``refusals``). It is
    tried ``attempts`` times at most, and again only if that is safe (see ``wire``).
    """

    def __init__(
        self, url: str, token: str, app: str, *, attempts: int = MOST_ATTEMPTS, within_s: float = ANSWER_WITHIN_S
    ) -> None:
        self.url = url
        self.app = app
        self._within_s = within_s
        self._wire = Wire(url, token, attempts)

    def __repr__(self) -> str:
        return f"Client({self.url!r}, app={self.app!r})"

    def call(
        self, method: str, path: str, body: object = None, *, needs: str = "view", repeatable: bool | None = None
    ) -> Any:  # noqa: ANN401
        """One call; ``path`` is below ``/apps/{app}`` unless it begins with a slash. Returns the JSON of the answer.

        ``needs`` is the permission that it takes, for the error. A GET is repeatable unless said otherwise.
        """
        return self._send(method, path, body, needs, method == "GET" if repeatable is None else repeatable, {}).json

    def every(self, path: str) -> list[Json]:
        """All of a list, page by page (206, ``Next-Range``).

        Raises:
            BadAnswer: it is no list, or never ends.
        """
        found: list[Json] = []
        headers: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            reply = self._send("GET", path, None, "view", True, headers)
            if not isinstance(reply.json, list):
                break
            found += reply.json
            if not reply.next_range:
                return found
            headers = {"Range": reply.next_range}
        raise BadAnswer(f"The API's answer to {path!r} is no list, or one without an end.")

    def _send(
        self, method: str, path: str, body: object, needs: str, repeatable: bool, headers: Mapping[str, str]
    ) -> Reply:
        below = path if path.startswith("/") else f"/apps/{self.app}/{path}".rstrip("/")
        about = Call(self.app, needs)
        return self._wire.send(Request(method, below, about, body, headers, repeatable, self._within_s))

    # The app

    def info(self) -> Json:
        """The app itself."""
        found: Json = self.call("GET", "")
        return found

    def refuse_fir(self) -> None:
        """Refuse an app of the Fir generation.

        Raises:
            FirGeneration: it is one.
        """
        generation = self.info().get("generation")
        if isinstance(generation, dict) and generation.get("name") == "fir":
            cure = "Create the app in a Cedar-generation Private Space: dynos of Fir can't find each other by name."
            raise FirGeneration(f"{self.app} is an app of the Fir generation.", cure)

    def config(self) -> dict[str, str]:
        """All config vars."""
        found: dict[str, str] = self.call("GET", "config-vars", needs="deploy or operate")
        return found

    def configure(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """Set config vars, or remove (None) them, all in one release. Not repeatable: it could be a second release."""
        found: dict[str, str] = self.call("PATCH", "config-vars", changes, needs="deploy or operate")
        return found

    def releases(self) -> list[Json]:
        """All releases, the oldest first."""
        return self.every("releases")

    def sizes(self) -> list[Json]:
        """The dyno sizes that the app can have."""
        return self.every("available-dyno-sizes")

    def calls_left(self) -> int:
        """How many calls the token's account has left; asking costs none."""
        left = self.call("GET", "/account/rate-limits")
        if not isinstance(left, dict) or not isinstance(left.get("remaining"), int):
            raise BadAnswer("The API does not say how many calls are left.")
        return int(left["remaining"])

    # Dynos

    def dynos(self) -> list[Json]:
        """All dynos, as the API has them."""
        return self.every("dynos")

    def listed_dynos(self) -> list[ListedDyno]:
        """All dynos, as values."""
        return listed.dynos(self.every("dynos"))

    def restart_dyno(self, id: str) -> None:
        """Restart the one dyno that has this id.

        Repeatable, for the dyno that takes its place has another id: a second try can't hit that one. What it gets
        then is ``NotThere``, as does a call for a dyno that has gone by itself.
        """
        self.call("DELETE", f"dynos/{id}", needs="operate", repeatable=True)

    def restart(self, dyno_or_type: str = "") -> None:
        """Restart one dyno (``worker.1``), a process type, or all. Not repeatable: it would restart those that came."""
        kind = "dynos" if "." in dyno_or_type or not dyno_or_type else "formations"
        self.call("DELETE", f"{kind}/{dyno_or_type}".rstrip("/"), needs="operate")

    def stop(self, dyno_or_type: str) -> None:
        """Stop one dyno or a process type; in a box, returns when it has ended."""
        kind = "dynos" if "." in dyno_or_type else "formations"
        self.call("POST", f"{kind}/{dyno_or_type}/actions/stop", needs="operate")

    def run(self, command: str, *, inside: str = "", **wishes: object) -> Json:
        """A one-off dyno, or a command inside a running one. ``wishes``: attach, size, env, force_no_tty."""
        dyno: Json = self.call(
            "POST", f"dynos/{inside}".rstrip("/"), {"command": command, **wishes}, needs="deploy or operate"
        )
        return dyno

    # The formation

    def formation(self) -> list[Json]:
        """All process types."""
        return self.every("formation")

    def scale(self, updates: list[Json]) -> list[Json]:
        """Change quantities and sizes in one call. Repeatable unless a quantity is relative, as ``"+1"``."""
        relative = any(isinstance(update.get("quantity"), str) for update in updates)
        changed: list[Json] = self.call(
            "PATCH", "formation", {"updates": updates}, needs="deploy or operate", repeatable=not relative
        )
        return changed

    # The space

    def spots(self, space: str) -> list[Spot]:
        """Where the dynos of a space are: what its DNS service discovery knows."""
        return listed.spots(self.call("GET", f"/spaces/{space}/topology"))

    # The log

    def logs(self, **wishes: object) -> Iterator[str]:
        """Lines of the log. ``wishes``: lines, tail, dyno, source. With ``tail`` it ends when the other side does.

        Raises:
            ApiError: the API refused, or did not answer.
        """
        import requests
        import urllib3

        url = self.call("POST", "log-sessions", wishes, repeatable=True)["logplex_url"]  # one more is nobody's harm
        with requests.Session() as session:  # without the token: the URL is another host's, and has a secret of its own
            session.trust_env = False
            try:
                with session.get(url, stream=True, timeout=(5, None)) as reply:
                    # Not iter_lines, which also ends a line where a dyno printed a carriage return.
                    yield from (line.decode("utf-8", "replace").rstrip("\n") for line in reply.raw)
            except (requests.RequestException, urllib3.exceptions.HTTPError):
                return  # the box has been closed
