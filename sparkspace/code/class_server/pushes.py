"""What a class server does with what is pushed: requests of drivers and of laptops, and their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from ...log import event
from .. import tree
from . import manifest
from .blobs import Blobs
from .manifest import Json, Malformed
from .replies import NOWHERE, Refusal, as_json, content_of
from .sessions import NotOpen, OtherRelease, Sessions, TooMuch, Version

LONGEST_WORD = 100


class Pushes:
    """Sessions and what they have, over HTTP. ``release``: the class server's own, for people."""

    def __init__(self, blobs: Blobs, release: str = "") -> None:
        self._blobs = blobs
        self._release = release
        self.sessions = Sessions(blobs)

    def listed(self) -> Json:
        """All sessions."""
        return {"release": self._release, "sessions": [each.as_json() for each in self.sessions.all()]}

    def content(self, sha256: str) -> bytes | None:
        """A file that was pushed; None: there is none with this content."""
        return self._blobs.get(sha256)

    def read(self, digest: str, name: str) -> bytes | None:
        """A file of a version that some session has."""
        version = self.sessions.version(digest)
        entry = version.files.get(name) if version else None
        return self.content(entry.sha256) if entry else None

    def session(self, request: web.BaseRequest, name: str, query: Mapping[str, str]) -> web.Response:
        """A driver opens a session (PUT), looks what it has (GET), and closes it (DELETE).

        Raises:
            Refusal: 404 when it has to be opened first, 409 when another release has the name.
        """
        dyno, id, runs, app, release = (
            query.get(word, "")[:LONGEST_WORD] for word in ("dyno", "id", "runs", "app", "release")
        )
        try:
            if request.method == "PUT":
                return as_json({"id": self.sessions.open(name, app, release, dyno).id})
            if request.method == "DELETE":
                self.sessions.close(name, id, dyno)
                return as_json({})
            session = self.sessions.seen(name, id, dyno, runs)
        except OtherRelease as error:
            raise Refusal(409, error="other-release", message=error.message) from None
        except TooMuch as error:
            raise Refusal(507, error="too-much", message=error.message) from None
        if session is None:
            raise NOWHERE
        return content_of(request, json.dumps(_described(session.head)).encode(), _tag(session.head))

    def fetch(self, sent: bytes) -> web.Response:
        """The contents of a list of SHA-256s, in its order.

        Raises:
            Refusal: 404 when one is not here (any more).
        """
        head, _ = _unpacked(sent)
        wanted = head.get("wanted")
        if not isinstance(wanted, list) or len(wanted) > manifest.MOST_FILES:
            raise Refusal(400, error="malformed", message="What is wanted is no list.")
        contents = [self.content(str(sha256)) if manifest.is_sha256(str(sha256)) else None for sha256 in wanted]
        here = [content for content in contents if content is not None]
        if len(here) < len(wanted):
            raise NOWHERE
        sizes = [[sha256, len(content)] for sha256, content in zip(wanted, here, strict=True)]
        return web.Response(body=manifest.packed({"sent": sizes}, here))

    def push(self, sent: bytes, by: str) -> web.Response:
        """Files of a version, and the version itself once all its files are here.

        Raises:
            Refusal: nobody has opened the session, it is too much, or can't be read.
        """
        head, contents = _unpacked(sent)
        name = str(head.get("to"))
        try:
            files = manifest.parse(head.get("files"))
            known = {entry.sha256: entry for entry in files.values()}
            here = [known[sha256] for sha256 in head.get("sent", ())]
            missing = self.sessions.push(name, files, manifest.cut(contents, here), by)
        except (Malformed, TypeError, KeyError) as error:
            raise Refusal(400, error="malformed", message=str(error)) from None
        except NotOpen as error:
            names = [each.name for each in self.sessions.all()]
            raise Refusal(404, error="not-open", message=error.message, open=names) from None
        except TooMuch as error:
            raise Refusal(413, error="too-much", message=error.message) from None
        digest = tree.digest(files)
        if not missing:
            event("pushed", session=name, version=digest[:7], files=len(files), sent=len(here), by=by or "unknown")
        return as_json({"version": digest, "missing": missing})


def _unpacked(sent: bytes) -> tuple[Json, memoryview]:
    try:
        return manifest.unpacked(sent)
    except Malformed as error:
        raise Refusal(400, error="malformed", message=error.message) from None


def _described(head: Version | None) -> Json:
    if head is None:
        return {"version": "", "files": {}, "by": "", "at": 0}
    return {"version": head.digest, "files": manifest.as_json(head.files), "by": head.by, "at": head.at}


def _tag(head: Version | None) -> str:
    return head.digest if head else "none"
