"""Zeppelin's REST API, as far as its interpreters go. Each call ends within seconds, with an error that says why.

Source: zeppelin.apache.org/docs, "Interpreter REST API", and ``InterpreterRestApi``, ``LoginRestApi`` of 0.10 to 0.12.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..cluster.master import plain
from ..config.checks import is_web_url
from ..errors import ApiError, SparkspaceError, UsageError

if TYPE_CHECKING:
    from requests import Response

ANSWER_WITHIN_S = 30.0  # a restart waits for the interpreter's process to go
LOOK_EVERY_S = 0.5
LOGIN = "/api/login"
Json = dict[str, Any]


class Zeppelin:
    """One running Zeppelin.

    Args:
        url: where its page is, as ``http://1.zeppelin.myapp.app.localspace:8890``.

    Raises:
        UsageError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        import requests  # 190 ms that other commands do not need

        parts = urlsplit(url)
        if not is_web_url(url) or parts.password is not None:
            raise UsageError(
                "--url must be like http://zeppelin.example.com:8080, without a password in it.",
                "See: bin/sparkspace zeppelin configure --help",
            )
        self.url = url.rstrip("/").removesuffix("/#")
        self.host = str(parts.hostname)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between two dynos, and no netrc is asked

    def version(self) -> str:
        """Which Zeppelin this is.

        Raises:
            ApiError: nobody answers, or it is no Zeppelin.
        """
        body = self._call("GET", "/api/version")
        version = body.get("version") if isinstance(body, dict) else body  # a text before 0.8
        if not isinstance(version, str):
            raise self._stranger()
        return version

    def login(self, user: str, password: str) -> None:
        """Have a session, which later calls are in.

        Raises:
            ApiError: Zeppelin refuses them.
        """
        reply = self._send("POST", LOGIN, data={"userName": user, "password": password})
        if reply.status_code == 500 and "SecurityManager" in reply.text:
            raise ApiError(
                f"{self.url} has no users (no shiro.ini), so nobody can log in.", "Leave --user out.", status=500
            )
        if not reply.ok:
            raise ApiError(
                f"{self.url} does not take the password of {user!r}.", "Try another.", status=reply.status_code
            )

    def setting(self, name: str) -> Json:
        """The interpreter of this name.

        Raises:
            ApiError: it asks for a password, or has none of this name, or one that is not Spark's.
        """
        found: list[Json] = self._call("GET", "/api/interpreter/setting")
        if not isinstance(found, list) or not all(isinstance(each, dict) and "properties" in each for each in found):
            raise self._stranger()
        named = next((each for each in found if each.get("name") == name), None)
        of_spark = [str(each.get("name")) for each in found if each.get("group") == "spark"]
        cure = f"Name one with --interpreter: {', '.join(of_spark) or 'it has none of the group spark'}"
        if named is None:
            raise ApiError(f"{self.url} has no interpreter {name!r}.", cure)
        if named.get("group") != "spark":
            raise ApiError(f"The interpreter {name!r} is of the group {named.get('group')!r}, not of spark.", cure)
        return named

    def update(self, id: str, body: Json) -> None:
        """Replace a setting's properties."""
        self._call("PUT", f"/api/interpreter/setting/{quote(id, safe='')}", body)

    def restart(self, id: str) -> None:
        """End the setting's processes. The next paragraph starts one."""
        self._call("PUT", f"/api/interpreter/setting/restart/{quote(id, safe='')}", {})

    def wait_for_ready(self, name: str, timeout_s: float = 60) -> None:
        """Wait until a setting is ready again: its dependencies may have to be fetched first.

        Raises:
            ApiError: it isn't, or it says what is wrong with it.
        """
        end = time.monotonic() + timeout_s
        while True:
            setting = self.setting(name)
            status = setting.get("status")
            if status == "READY":
                return
            if status == "ERROR" or time.monotonic() > end:
                reason = setting.get("errorReason") or "Zeppelin gives no reason"
                raise ApiError(
                    f"The interpreter {name!r} is changed, but {status} and not READY: {reason}.",
                    f"Look at it on Zeppelin's page of interpreters: {self.url}/#/interpreter",
                )
            time.sleep(LOOK_EVERY_S)

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:  # noqa: ANN401
        reply = self._send(method, path, json=body)
        if reply.status_code in (401, 403) or reply.is_redirect and LOGIN in reply.headers.get("Location", ""):
            raise ApiError(
                f"{self.url} asks who you are ({reply.status_code}).",
                "Say it with --user NAME; the password is asked for, or taken from ZEPPELIN_PASSWORD.",
                status=reply.status_code,
            )
        try:
            answer = reply.json()
        except ValueError:
            raise self._stranger(reply) from None
        if not isinstance(answer, dict) or "status" not in answer and "exception" not in answer:
            raise self._stranger(reply)
        if not reply.ok:
            reason = answer.get("message") or answer.get("exception") or answer.get("status")
            raise ApiError(
                f"Zeppelin refuses {method} {path}: {reason} ({reply.status_code}).", status=reply.status_code
            )
        return answer.get("body")

    def _send(self, method: str, path: str, **body: Any) -> Response:  # noqa: ANN401
        import requests

        try:
            return self._session.request(
                method, self.url + path, timeout=ANSWER_WITHIN_S, allow_redirects=False, **body
            )
        except (requests.RequestException, ValueError) as error:
            raise ApiError(
                f"No Zeppelin answers at {self.url}: {plain(error)}.",
                "Is it up, and is the URL the one of its page, seen from a dyno? Dynos of a box reach what is outside "
                "with: bin/sparkspace up --network loopback",
            ) from error

    def _stranger(self, reply: Response | None = None) -> SparkspaceError:
        status = f" ({reply.status_code}, {reply.headers.get('Content-Type', 'no type')})" if reply is not None else ""
        return ApiError(
            f"What answers at {self.url} is not Zeppelin's REST API{status}.",
            "--url is where Zeppelin's page is, with the path before the # if it has one.",
            status=reply.status_code if reply is not None else 0,
        )
