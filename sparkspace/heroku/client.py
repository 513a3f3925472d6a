"""A client of Heroku's Platform API v3 for one app: the calls that the box's commands make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ApiError

ACCEPT = "application/vnd.heroku+json; version=3"
ANSWER_WITHIN_S = 60.0  # stopping a dyno may take its 30 s of grace
Json = dict[str, Any]


class Client:
    """Calls about one app. ``url`` is the API's base, ``token`` a bearer token: in no message, and not in ``repr``."""

    def __init__(self, url: str, token: str, app: str) -> None:
        import requests  # 190 ms that a launcher does not need

        self.url = url
        self.app = app
        self._session = requests.Session()
        self._session.trust_env = False  # .netrc and proxies of this machine are not for a box on loopback
        self._session.headers.update({"Accept": ACCEPT, "Authorization": f"Bearer {token}"})
        self._failures = (requests.RequestException,)

    def __repr__(self) -> str:
        return f"Client({self.url!r}, app={self.app!r})"

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
        """One call; ``path`` is below ``/apps/{app}`` unless it begins with a slash. Returns the JSON of the answer.

        Raises:
            ApiError: the API refused (``id`` says how), or did not answer.
        """
        try:
            reply = self._session.request(method, self._url(path), json=body, timeout=ANSWER_WITHIN_S)
            answer = reply.json()
        except self._failures as error:
            raise ApiError(f"The API at {self.url} does not answer: {type(error).__name__}.") from None
        if reply.status_code >= 400:
            raise ApiError(
                str(answer.get("message", reply.reason)), id=str(answer.get("id", "")), status=reply.status_code
            )
        return answer

    def _url(self, path: str) -> str:
        return f"{self.url}{path}" if path.startswith("/") else f"{self.url}/apps/{self.app}/{path}"

    def dynos(self) -> list[Json]:
        """All dynos."""
        found: list[Json] = self.call("GET", "dynos")
        return found

    def formation(self) -> list[Json]:
        """All process types."""
        found: list[Json] = self.call("GET", "formation")
        return found

    def scale(self, updates: list[Json]) -> list[Json]:
        """Change quantities and sizes in one call."""
        changed: list[Json] = self.call("PATCH", "formation", {"updates": updates})
        return changed

    def restart(self, dyno_or_type: str = "") -> None:
        """Restart one dyno (``worker.1``), a process type, or all."""
        kind = "dynos" if "." in dyno_or_type or not dyno_or_type else "formations"
        self.call("DELETE", f"{kind}/{dyno_or_type}".rstrip("/"))

    def stop(self, dyno_or_type: str) -> None:
        """Stop one dyno or a process type; returns when it has ended."""
        kind = "dynos" if "." in dyno_or_type else "formations"
        self.call("POST", f"{kind}/{dyno_or_type}/actions/stop")

    def run(self, command: str, *, inside: str = "", **wishes: object) -> Json:
        """A one-off dyno, or a command inside a running one. ``wishes``: attach, size, env, force_no_tty."""
        dyno: Json = self.call("POST", f"dynos/{inside}".rstrip("/"), {"command": command, **wishes})
        return dyno

    def config(self) -> dict[str, str]:
        """All config vars."""
        found: dict[str, str] = self.call("GET", "config-vars")
        return found

    def configure(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """Set config vars, or remove (None) them, all in one release."""
        found: dict[str, str] = self.call("PATCH", "config-vars", changes)
        return found

    def releases(self) -> list[Json]:
        """All releases, the oldest first."""
        found: list[Json] = self.call("GET", "releases")
        return found

    def logs(self, **wishes: object) -> Iterator[str]:
        """Lines of the log. ``wishes``: lines, tail, dyno, source. With ``tail`` it ends when the other side does.

        Raises:
            ApiError: the API refused, or did not answer.
        """
        import urllib3

        url = self.call("POST", "log-sessions", wishes)["logplex_url"]
        try:
            with self._session.get(url, stream=True, timeout=(5, None)) as reply:
                # Not iter_lines, which also ends a line where a dyno printed a carriage return.
                yield from (line.decode("utf-8", "replace").rstrip("\n") for line in reply.raw)
        except (*self._failures, urllib3.exceptions.HTTPError):
            return  # the box has been closed
