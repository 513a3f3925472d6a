"""A Zeppelin as ``configure`` sees it: the part of the REST API that it uses, over real HTTP.

Statuses, bodies and headers are those of a Zeppelin 0.10.0 that ran here (tests/zeppelin/real.py); the paths and forms
are the same in the documentation of 0.12.
"""

from __future__ import annotations

import contextlib
import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

Json = dict[str, Any]
SETTING = "/api/interpreter/setting"


def prop(name: str, value: object, type: str = "string") -> Json:
    """An entry of a setting's properties."""
    return {"name": name, "value": value, "type": type, "description": f"About {name}."}


def interpreter(name: str = "spark", group: str = "spark", **properties: object) -> Json:
    """A setting as a new Zeppelin has it, and as somebody may have added to it."""
    found = {
        "SPARK_HOME": "",
        "spark.master": "local[*]",
        "spark.submit.deployMode": "",
        "spark.driver.memory": "1g",
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.executor.instances": "2",
        "PYSPARK_PYTHON": "python",
        "zeppelin.spark.concurrentSQL": True,
        **properties,
    }
    return {
        "id": f"{name}-id",
        "name": name,
        "group": group,
        "properties": {key: prop(key, value) for key, value in found.items()},
        "status": "READY",
        "interpreterGroup": [{"name": "spark", "class": "org.apache.zeppelin.spark.SparkInterpreter"}],
        "dependencies": [{"groupArtifactVersion": "org.example:theirs:1.0"}],
        "option": {"remote": True, "port": -1, "perNote": "isolated", "owners": []},
    }


@dataclass
class Recorded:
    """The state of the server, and what it was asked."""

    version: str = "0.12.0"
    settings: list[Json] = field(default_factory=lambda: [interpreter("md", "md"), interpreter()])
    users: dict[str, str] = field(default_factory=dict)
    is_slow: int = 0  # so many looks after a change find it fetching what it depends on
    error: str = ""  # what a change ends in
    asked: list[str] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    url: str = ""

    def spark(self) -> Json:
        """The properties of the Spark interpreter, name → value."""
        (found,) = (each for each in self.settings if each["name"] == "spark")
        return {name: entry["value"] for name, entry in found["properties"].items()}

    def answer(self, method: str, path: str, body: bytes, cookie: str) -> tuple[int, object, dict[str, str]]:
        """Status, body and headers."""
        self.asked.append(f"{method} {path}")
        if (method, path) == ("GET", "/api/version"):
            return self.ok({"git-commit-id": "", "git-timestamp": "", "version": self.version})
        if (method, path) == ("POST", "/api/login"):
            return self.login(parse_qs(body.decode()))
        if self.users and "JSESSIONID=theirs" not in cookie:
            return 302, b"", {"Location": f"{self.url}/api/login", "Set-Cookie": "JSESSIONID=nobody; Path=/; HttpOnly"}
        if (method, path) == ("GET", SETTING):
            if self.is_slow and "PUT" in str(self.asked):
                self.is_slow -= 1
                return self.ok([{**each, "status": "DOWNLOADING_DEPENDENCIES"} for each in self.settings])
            return self.ok(self.settings)
        if method == "PUT" and path.startswith(f"{SETTING}/restart/"):
            return self.ok(self.named(path.rpartition("/")[2]))
        if method == "PUT" and path.startswith(f"{SETTING}/"):
            return self.change(path.rpartition("/")[2], json.loads(body))
        return 404, b"<html><head><title>Error 404 Not Found</title></head></html>", {"Content-Type": "text/html"}

    def named(self, id: str) -> Json:
        return next(each for each in self.settings if each["id"] == id)

    def change(self, id: str, body: Json) -> tuple[int, object, dict[str, str]]:
        """What is not sent is gone, as in Zeppelin."""
        self.bodies.append(copy.deepcopy(body))
        setting = self.named(id)
        setting |= {name: body.get(name) for name in ("properties", "dependencies", "option")}
        if self.error:
            setting |= {"status": "ERROR", "errorReason": self.error}
        return self.ok(setting)

    def login(self, form: dict[str, list[str]]) -> tuple[int, object, dict[str, str]]:
        if not self.users:
            problem = "No SecurityManager accessible to the calling code, either bound to the ThreadContext or static."
            return 500, {"exception": "UnavailableSecurityManagerException", "message": problem, "stacktrace": "…"}, {}
        if self.users.get(form["userName"][0]) != form["password"][0]:
            return 403, {"status": "FORBIDDEN", "message": ""}, {}
        body = {"principal": form["userName"][0], "ticket": "t", "roles": "[]"}
        return *self.ok(body)[:2], {"Set-Cookie": "JSESSIONID=theirs; Path=/; HttpOnly"}

    @staticmethod
    def ok(body: object) -> tuple[int, object, dict[str, str]]:
        return 200, {"status": "OK", "message": "", "body": body}, {}


@contextlib.contextmanager
def serving(state: Recorded) -> Iterator[Recorded]:
    """The server, on a port of its own; ``state.url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, headers = state.answer(self.command, self.path, body, self.headers.get("Cookie", ""))
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
