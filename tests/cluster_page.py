"""The JSON page of a master at an address of loopback, with workers that a test registers and takes away."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sparkspace import ports

DOMAIN = "my-app.app.localspace"
# Recorded from a master of Spark 4.3.0.
PAGE = json.loads((Path(__file__).parent / "cases" / "master" / "alive.json").read_text())
_ids = itertools.count(1)


class Page:
    """What the master says. ``workers`` are names of dynos, each with the id that it has registered with."""

    def __init__(self, state: str = "ALIVE", workers: tuple[str, ...] = ()) -> None:
        self.ip = f"127.{secrets.randbelow(200) + 40}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
        self.state = state
        self.workers: dict[str, str] = {}
        for name in workers:
            self.register(name)

    def register(self, name: str) -> None:
        """Anew, if it was registered before."""
        self.workers[name] = f"worker-{next(_ids)}"

    def text(self) -> str:
        """The page."""
        (template,) = PAGE["workers"][:1]
        workers = []
        for name, id in self.workers.items():
            process_type, _, number = name.partition(".")
            page = f"http://{number}.{process_type}.{DOMAIN}:8081"
            workers.append({**template, "id": id, "state": "ALIVE", "webuiaddress": page})
        return json.dumps({**PAGE, "status": self.state, "workers": workers, "activeapps": []})


@contextlib.contextmanager
def showing(page: Page) -> Iterator[Page]:
    """Serve it where a master would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page.text().encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((page.ip, ports.MASTER_UI), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
