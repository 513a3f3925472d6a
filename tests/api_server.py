"""A server of the Platform API on loopback that can misbehave. It answers by a script, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "HRKU-0123-the-token-of-the-cluster"


@dataclass(frozen=True)
class Answer:
    """What it sends. ``missing`` bytes are promised and never come; ``byte_every_s`` sends the body in drops."""

    body: object = None  # bytes are sent as they are, all else as JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0
    missing: int = 0
    byte_every_s: float = 0
    # What the call brings about, before it is answered. Not in the repr, which is what tests are called by.
    then: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


NEVER = Answer(delay_s=3600)
HANG_UP = Answer(status=0)  # closes the connection without a word
HALF = Answer([{"id": "1"}], missing=100)


def error(status: int, id: str, message: str = "No.", **headers: str) -> Answer:
    """One of Heroku's errors."""
    return Answer({"id": id, "message": message}, status, {name.replace("_", "-"): v for name, v in headers.items()})


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: object

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


class Api:
    """The script is a list of answers for each ``METHOD path``, the last of which is repeated; or for ``*``."""

    def __init__(self, script: Mapping[str, Answer | list[Answer]]) -> None:
        self.script = {line: list(to) if isinstance(to, list) else [to] for line, to in script.items()}
        self.asked: list[Asked] = []
        self.url = ""
        self.closing = threading.Event()

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answers = self.script.get(asked.line) or self.script.get("*") or [error(404, "not_found", "Nothing here.")]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            found = api.answer(Asked(self.command, self.path, dict(self.headers), body))
            self.close_connection = True
            found.then()
            if api.closing.wait(found.delay_s) or not found.status:
                return
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.give(found)

        def give(self, found: Answer) -> None:
            self.send_response(found.status)
            for name, value in {"Content-Type": "application/json", "Connection": "close", **found.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.content) + found.missing))
            self.end_headers()
            for byte in found.content if found.byte_every_s else ():
                self.wfile.write(bytes([byte]))
                if api.closing.wait(found.byte_every_s):
                    return
            if not found.byte_every_s:
                self.wfile.write(found.content)

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


@contextlib.contextmanager
def serving(script: Mapping[str, Answer | list[Answer]], tls: ssl.SSLContext | None = None) -> Iterator[Api]:
    """Run it on a free port."""
    api = Api(script)
    server = Server(("127.0.0.1", 0), handler(api))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    api.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield api
    finally:
        api.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
