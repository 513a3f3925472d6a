"""One box, and the whole table sent in it: every test of this folder looks at what came of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from ..box.conftest import ROOT, Box, tiny_app, until
from . import attacks

HERE = Path(__file__).resolve().parent
PROCFILE = f"""\
web: {ROOT}/bin/space-proxy
master: {ROOT}/bin/spark-master
echo: python3 {HERE}/echo.py 8888
history: python3 {HERE}/echo.py 18080
notebook: python3 {HERE}/echo.py 8888
classserver: {ROOT}/bin/class-server
outside: python3 {HERE}/outside.py
"""


@dataclass(frozen=True)
class Reply:
    """What came back: status 0 is a connection that was closed without a word."""

    status: int
    headers: list[list[str]]
    body: str
    seconds: float

    @property
    def text(self) -> str:
        """Headers and body, as they came."""
        return "".join(f"\r\n{name}: {value}" for name, value in self.headers) + f"\r\n\r\n{self.body}"

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")


def send(box: Box, table: Iterable[attacks.Attack]) -> dict[str, Reply]:
    """Send requests to nginx from a dyno of the box, and give the replies by their ids."""
    cases = [asdict(attack) for attack in table]
    order = {"host": f"1.web.{attacks.DOMAIN}", "port": 5000, "login": attacks.RIGHT, "cases": cases}
    found: dict[str, Any] = json.loads(box.out("run", "python3", f"{HERE}/attacker.py", stdin=json.dumps(order)))
    return {name: Reply(**reply) for name, reply in found.items()}


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with a master, the proxy that shows it, the dynos that listen, and a route to ``echo``."""
    box = tiny_app(tmp_path_factory.mktemp("attacked") / "app", PROCFILE)
    (box.folder / ".env").write_text(f"SPACE_PROXY_BASIC_AUTH={attacks.USERS}\nLOG_LEVEL=WARN\n")
    box("up", "--detach", "--app", attacks.APP, "--masters", "1", env={"SPARK_MASTERS": "1"})
    try:
        box("scale", "web=1", "echo=1", "history=1", "notebook=1", "outside=1", "classserver=1")
        ready = [
            attacks.get("up", "/healthz", 200),
            attacks.get("history", "/finished/", 200),
            attacks.get("notebook", "/notebook/", 200),
            attacks.get("classserver", "/sparkspace/code/sessions", 200),
            attacks.get("choose", f"/set-backend/{attacks.ECHO}", 302),
        ]
        until(lambda: all(send(box, ready)[attack.id].status == attack.status for attack in ready), every_s=1)
        yield box
    finally:
        box("down")


@pytest.fixture(scope="session")
def replies(target: Box) -> dict[str, Reply]:
    """The reply to every request of the table."""
    return send(target, attacks.TABLE)


@pytest.fixture(scope="session")
def said(target: Box, replies: dict[str, Reply]) -> dict[str, str]:
    """What the dynos have printed once all is sent: ``web``, ``echo``, …"""
    return {name: target.out("logs", "--num", "1500", "--dyno", f"{name}.1") for name in ("web", "echo", "outside")}
