"""One call over HTTP: answered, refused or given up within its time, and with a token that stays in its header.

What is tried again, after a pause with jitter: calls that were not carried out (429; no connection) always; calls that
may have been (5xx, no answer in time, an answer that broke off) only if the caller says that they can be repeated.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from .refusals import BadAnswer, Call, TokenRefused, Unanswered, refusal

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

ACCEPT = "application/vnd.heroku+json; version=3"
CONNECT_WITHIN_S = 10.0
MOST_ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0  # a random part of 0.5, 1, 2, 4, … s
# 4500 calls an account, 75 new ones a minute: devcenter.heroku.com/articles/platform-api-reference#rate-limits. Below
# LOW we make calls at the pace of the new ones, so that what is left is for people.
LOW, REFILL_S = 200, 60 / 75


@dataclass(frozen=True)
class Request:
    """What to ask. ``repeatable``: doing it twice does what doing it once does."""

    method: str
    path: str  # below the API's base
    call: Call
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    within_s: float = 60.0


@dataclass(frozen=True)
class Reply:
    """A good answer, decoded."""

    json: Any
    next_range: str = ""  # the rest of a list


@dataclass(frozen=True)
class Failure:
    """No good answer. ``performed``: the call may have been carried out all the same."""

    error: ApiError
    passing: bool = False  # another try may do
    performed: bool = True
    retry_after_s: float = 0.0


class Wire:
    """A connection to the API at ``url``. The token is in no message, no ``repr``, and in no error's chain."""

    def __init__(self, url: str, token: str, attempts: int = MOST_ATTEMPTS) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._attempts = attempts
        self._remaining = LOW  # calls that the account has left, as the last answer said
        self._session = self._new_session()

    def __repr__(self) -> str:
        return f"Wire({self.url!r})"

    @property
    def _status_page(self) -> str:
        return "See: https://status.heroku.com" if self.url.endswith(".heroku.com") else ""

    def _new_session(self) -> requests.Session:
        import requests  # 190 ms that a launcher does not need

        session = requests.Session()
        session.trust_env = False  # a .netrc would replace our token, and a proxy of the environment would see it
        session.headers["Accept"] = ACCEPT
        return session

    def send(self, request: Request) -> Reply:
        """Make the call, and again where that is safe and may help, until its time is up.

        Raises:
            ApiError: refused, failed, or not answered. It is raised here, where nothing is being handled, so that
                no exception with the request and its header hangs on it.
        """
        from tenacity import Retrying, retry_if_result, wait_random_exponential

        end = time.monotonic() + request.within_s
        jitter = wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S)
        retrying = Retrying(
            retry=retry_if_result(lambda outcome: _again(outcome, request)),
            stop=lambda state: state.attempt_number >= self._attempts or time.monotonic() + state.upcoming_sleep >= end,
            wait=lambda state: max(jitter(state), _asked_to_wait(state)),
            retry_error_callback=lambda state: _result(state),
        )
        outcome = retrying(self._attempt, request, end)
        if isinstance(outcome, Failure):
            raise outcome.error
        assert isinstance(outcome, Reply)
        return outcome

    def _attempt(self, request: Request, end: float) -> Reply | Failure:
        if self._remaining < LOW:
            time.sleep(max(0.0, min(REFILL_S, end - time.monotonic())))
        left = max(0.1, end - time.monotonic())
        session = self._session
        outcome = _within(left, lambda: self._exchange(session, request, left))
        if outcome is None:  # time-outs of sockets count from the last byte, and those of names not at all
            self._session = self._new_session()
            return self._unanswered(request, f"not within {request.within_s:g} s", performed=True)
        return outcome

    def _exchange(self, session: requests.Session, request: Request, left: float) -> Reply | Failure:
        import requests

        try:
            answer = session.request(
                request.method, self.url + request.path, json=request.body, headers=request.headers, auth=self._sign,
                timeout=(min(left, CONNECT_WITHIN_S), left), allow_redirects=False,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            return self._untrusted(request, error)
        except requests.RequestException as error:
            return self._unanswered(request, _reason(error), performed=not _never_connected(error))
        except ValueError:  # http.client's, which shows the header
            return Failure(TokenRefused("The token has characters that no token has (it is not shown here)."))
        return self._judge(request, answer)

    def _sign(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {self._token}"
        return prepared

    def _judge(self, request: Request, answer: requests.Response) -> Reply | Failure:
        self._remaining = _whole(answer.headers.get("RateLimit-Remaining"), LOW)
        body, is_json = _decoded(answer)
        if answer.status_code >= 400:
            id, message = _error(body, answer.reason)
            error = refusal(request.call, answer.status_code, self._scrubbed(id), self._scrubbed(message))
            if answer.status_code >= 500:
                error.cure = self._status_page
            limited = answer.status_code == 429
            return Failure(error, limited or answer.status_code >= 500, not limited, _retry_after(answer.headers))
        if answer.status_code >= 300:
            return Failure(BadAnswer(f"{self.url} leads elsewhere; the token does not go along.", _HOST))
        if not is_json:
            return Failure(BadAnswer(f"{self.url} answers, but not with JSON.", _HOST))
        return Reply(body, answer.headers.get("Next-Range", "") if answer.status_code == 206 else "")

    def _scrubbed(self, text: str) -> str:
        """A server that shows us what it was sent must not bring the token into a log."""
        return text.replace(self._token, "…") if self._token else text

    def _unanswered(self, request: Request, why: str, performed: bool) -> Failure:
        error = Unanswered(f"The API at {self.url} does not answer: {why}.", self._status_page)
        return Failure(error, passing=True, performed=performed)

    def _untrusted(self, request: Request, error: Exception) -> Failure:
        text = f"The certificate of {self.url} can't be trusted: {_reason(error)}."
        return Failure(Unanswered(text, "Nothing was sent. Look at the clock, and at what stands between."))


_HOST = "Look at HEROKU_HOST: it must be the API, or not be set."


def _again(outcome: object, request: Request) -> bool:
    return isinstance(outcome, Failure) and outcome.passing and (request.repeatable or not outcome.performed)


def _result(state: RetryCallState) -> Any:  # noqa: ANN401  # as tenacity types it
    return state.outcome.result() if state.outcome else None


def _asked_to_wait(state: RetryCallState) -> float:
    outcome = _result(state)
    return outcome.retry_after_s if isinstance(outcome, Failure) else 0.0


def _within(seconds: float, work: Callable[[], Reply | Failure]) -> Reply | Failure | None:
    """What ``work`` returns; None when the time is up, and then it is left to itself."""
    done: queue.SimpleQueue[Reply | Failure] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(work()), daemon=True).start()
    try:
        return done.get(timeout=seconds)
    except queue.Empty:
        return None


def _never_connected(error: Exception) -> bool:
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    refused = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return refused or isinstance(error, requests.exceptions.ConnectTimeout)


def _reason(error: Exception) -> str:
    """The cause in a few words: what requests wraps in five layers, and which may show headers."""
    text = str(error)
    for sign, words in (
        ("NameResolution", "its name does not resolve"),
        ("Connection refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("CERTIFICATE_VERIFY_FAILED", "nobody known has signed it, or it is another's"),
    ):
        if sign in text:
            return words
    return type(error).__name__


def _decoded(answer: requests.Response) -> tuple[Any, bool]:
    if not answer.content:
        return None, answer.status_code in (202, 204)
    try:
        return answer.json(), True
    except (ValueError, RecursionError):
        return None, False


def _error(body: object, reason: str | None) -> tuple[str, str]:
    if isinstance(body, dict):
        return str(body.get("id", "")), str(body.get("message") or body.get("error") or reason or "no reason given")
    return "", reason or "no reason given"


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3). Heroku documents neither; what stands between us and it may send them."""
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _whole(text: str | None, default: int) -> int:
    return int(text[:9]) if text and text.isascii() and text.isdigit() else default
