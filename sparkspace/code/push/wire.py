"""From a laptop through the web process: what is missing there is sent, then the version is what a session has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import SparkspaceError, UsageError
from .. import size
from ..class_server import manifest
from ..tree import Entry
from .source import Snapshot

if TYPE_CHECKING:
    import requests

HEADER = {"X-Sparkspace-Push": "1"}
AT_ONCE = 8 * 1024 * 1024  # of contents in a request: one that is slow must not take longer than a router waits
WITHIN_S = (5.0, 60.0)


@dataclass(frozen=True)
class Entrance:
    """The web process, and who enters. ``authority``: a file that vouches for it; empty: the usual ones do."""

    url: str
    user: str
    password: str = field(repr=False)
    authority: str = ""


@dataclass(frozen=True)
class Done:
    """A push that was made."""

    version: str
    files: int
    sent: int
    seconds: float

    def __str__(self) -> str:
        files = f"{self.sent} file{'' if self.sent == 1 else 's'} of {self.files}"
        return f"pushed {files}, version {self.version[:7]}, {self.seconds:.2f} s"


class PushFailed(SparkspaceError):
    """The push was refused."""

    exit_code = 76
    reason = "push"


class Unreachable(PushFailed):
    """Nobody answers, or the class server is away: another try may do."""

    exit_code = 69


class NotLetIn(PushFailed):
    """Another try would be refused, too: a wrong password, above all, of which there must not be many."""


class SessionNotOpen(PushFailed):
    """No session on the cluster has asked for it."""


class Wire:
    """Asks the web process at ``entrance``. The password is in no message."""

    def __init__(self, entrance: Entrance) -> None:
        import requests

        self.entrance = entrance
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc would replace our password
        self._session.auth = requests.auth.HTTPBasicAuth(entrance.user.encode(), entrance.password.encode())
        self._session.verify = entrance.authority or True
        self._known: set[str] = set()

    def sessions(self) -> list[dict[str, Any]]:
        """The sessions that are open.

        Raises:
            PushFailed: see ``_answer``.
        """
        found: list[dict[str, Any]] = self._ask("GET", "sessions")["sessions"]
        return found

    def push(self, to: str, snapshot: Snapshot) -> Done:
        """Have the session ``to`` use these files.

        Raises:
            Moved: a file has changed meanwhile.
            PushFailed, TooLarge: nothing has changed there.
        """
        size.refuse(snapshot.files, "pushed")
        began = time.monotonic()
        by_content = {entry.sha256: (name, entry) for name, entry in snapshot.files.items()}
        # What the class server had the last time it has now, and else says so.
        first = [] if not self._known else [entry for sha, (_, entry) in by_content.items() if sha not in self._known]
        sent: set[str] = set()
        for part in parts(first) if sum(entry.size for entry in first) <= size.TOO_LARGE else [[]]:
            missing = self._send(to, snapshot, part)
            sent.update(entry.sha256 for entry in part)
        while missing:
            wanted = [by_content[sha][1] for sha in missing if sha in by_content]
            if not wanted or not sent.isdisjoint(missing):
                raise PushFailed("The class server does not keep what it is sent.", "heroku logs --ps classserver")
            for part in parts(wanted):
                missing = self._send(to, snapshot, part)
                sent.update(entry.sha256 for entry in part)
        self._known = set(by_content)
        names = sum(entry.sha256 in sent for entry in snapshot.files.values())
        return Done(snapshot.digest, len(snapshot.files), names, time.monotonic() - began)

    def _send(self, to: str, snapshot: Snapshot, part: Sequence[Entry]) -> list[str]:
        names = {entry.sha256: name for name, entry in snapshot.files.items()}
        head = {"to": to, "files": manifest.as_json(snapshot.files), "sent": [entry.sha256 for entry in part]}
        body = manifest.packed(head, (snapshot.read(names[entry.sha256]) for entry in part))
        missing: list[str] = self._ask("POST", "push", body)["missing"]
        return missing

    def _ask(self, method: str, what: str, body: bytes = b"") -> Any:  # noqa: ANN401
        import requests

        url = f"{self.entrance.url}/sparkspace/code/{what}"
        try:
            reply = self._session.request(
                method, url, data=body or None, headers=HEADER, timeout=WITHIN_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unreachable(f"{self.entrance.url} can't be reached: {_plain(error)}.") from None
        return self._answer(reply)

    def _answer(self, reply: requests.Response) -> Any:  # noqa: ANN401
        """The answer, decoded.

        Raises:
            PushFailed: it is none, or a refusal.
        """
        try:
            found = reply.json()
        except ValueError:
            found = None
        if reply.status_code == 200 and isinstance(found, dict):
            return found
        raise self._refusal(reply, found if isinstance(found, dict) else {})

    def _refusal(self, reply: requests.Response, said: dict[str, Any]) -> PushFailed:
        status, url = reply.status_code, self.entrance.url
        if status == 401:
            cure = "See: heroku config:get SPACE_PROXY_BASIC_AUTH -a APP"
            return NotLetIn(f"{url} does not take this password of the user {self.entrance.user!r}.", cure)
        if status == 429:
            return NotLetIn(f"{url} has had too many wrong passwords from here.", "Try again in a minute.")
        if status in (301, 302, 307, 308):
            return NotLetIn(f"{url} leads to {reply.headers.get('Location', '?')[:200]}.", "Push to that URL.")
        if said.get("error") == "not-open":
            return SessionNotOpen(str(said["message"]), how_to_open(list(said.get("open", ()))))
        if status in (413, 507):
            return PushFailed(str(said.get("message", f"{url} refuses so much at once.")))
        if said.get("error") == "no-class-server" or status in (502, 503, 504):
            return Unreachable(str(said.get("message", f"{url} answers {status}.")), str(said.get("cure", "")))
        cure = "Is it a web process of sparkspace, of this version?"
        return NotLetIn(str(said.get("message", f"{url} answers {status}.")), str(said.get("cure", cure)))


def how_to_open(names: Sequence[str]) -> str:
    """What to type, beside what is open."""
    opened = f"Open are: {', '.join(names)}. Push there with --to, or open" if names else "None is open. Open"
    return f'{opened} one on the cluster: sparkspace.session(push="NAME")'


def parts(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """``entries`` in parts of ``AT_ONCE`` bytes, or of one file that is larger; one part if there are none."""
    part: list[Entry] = []
    held = 0
    for entry in entries:
        if part and held + entry.size > AT_ONCE:
            yield part
            part, held = [], 0
        part.append(entry)
        held += entry.size
    yield part


def one_of(names: Sequence[str]) -> str:
    """The session to push to when none is named.

    Raises:
        SessionNotOpen: there is none.
        UsageError: there are several.
    """
    if not names:
        raise SessionNotOpen("No session on the cluster asks for what is pushed.", how_to_open(()))
    if len(names) > 1:
        raise UsageError(f"{len(names)} sessions are open: {', '.join(names)}.", "Say which: --to NAME")
    return names[0]


def _plain(error: Exception) -> str:
    """The innermost reason of a pile of exceptions, without its addresses in memory."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    return str(cause)[:200] or type(cause).__name__
