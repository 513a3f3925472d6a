"""A real class server on a free port of 127.0.0.1, and how it is asked: signed, by URL, or in raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkspace.cluster.signature import EMPTY, SENDER, Key, Request
from sparkspace.code.class_server import manifest
from sparkspace.code.class_server.blobs import Blobs
from sparkspace.code.class_server.pushes import Pushes
from sparkspace.code.class_server.release import Release
from sparkspace.code.class_server.served import Served
from sparkspace.code.class_server.server import ClassServer
from sparkspace.code.tree import Entry

SECRET = "5f2c-the-secret-of-the-cluster"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class Running:
    """A server, and the key to it."""

    port: int
    pushes: Pushes
    key: Key = field(default_factory=lambda: Key(SECRET))

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    def plain(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """A request as it is."""
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, body=body or None, headers=dict(headers or {}))
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.getheaders()), reply.read())

    def signed(self, method: str, path: str, body: bytes = b"", sender: str = "", **headers: str) -> Reply:
        """A request of who has the secret. The answer has to be sealed."""
        digest = hashlib.sha256(body).hexdigest() if body else EMPTY
        sent = self.key.headers(Request(method, path, digest, sender))
        others = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.plain(method, path, {**others, **sent}, body)
        assert self.key.is_sealed(sent, reply.status, reply.headers, reply.body)
        return reply

    def push(self, name: str, files: Mapping[str, bytes], *, sending: Sequence[str] | None = None) -> Reply:
        """Push a version to a session; ``sending``: the names of the files that are sent, by default all."""
        entries = {path: Entry(hashlib.sha256(content).hexdigest(), len(content)) for path, content in files.items()}
        sent = {entries[path].sha256: files[path] for path in (files if sending is None else sending)}
        head = {"to": name, "files": manifest.as_json(entries), "sent": list(sent)}
        return self.signed("POST", "/push", manifest.packed(head, sent.values()), "ann")

    def opened(self, name: str, dyno: str = "notebook.1", app: str = "myapp", release: str = "v1") -> str:
        """Open a session as a driver does. Returns its id."""
        reply = self.signed("PUT", f"/sessions/{name}?dyno={dyno}&app={app}&release={release}")
        assert reply.status == 200
        return str(reply.json["id"])


@contextlib.contextmanager
def running(folder: Path, roots: Mapping[str, Sequence[Served]], port: int = 0) -> Iterator[Running]:
    """Run one in a thread."""
    pushes = Pushes(Blobs(folder), "v1")
    server = ClassServer(Key(SECRET), Release(roots), pushes)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(server.serve("127.0.0.1", port), loop).result(10)
        yield Running(runner.addresses[0][1], pushes)
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


__all__ = ["SECRET", "SENDER", "Reply", "Running", "running"]
