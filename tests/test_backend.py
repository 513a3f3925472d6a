"""What can be shown: a backend is written to the letter, and nothing else is one."""

from __future__ import annotations

import pytest

from sparkspace import ports
from sparkspace.config import Backend
from sparkspace.errors import ConfigError

DYNO = "2.worker.myapp.app.localspace"


@pytest.mark.parametrize(
    ("text", "app", "dyno", "port"),
    [
        ("1.master.myapp.app.localspace:8080", "myapp", "master.1", 8080),
        (f"{DYNO}:8081", "myapp", "worker.2", 8081),
        ("1.history.myapp.app.localspace:18080", "myapp", "history.1", 18080),
        ("1.notebook.myapp.app.localspace:8888", "myapp", "notebook.1", 8888),
        ("1.job.reports.app.localspace:4040", "reports", "job.1", 4040),
        ("1.job.reports.app.localspace:4060", "reports", "job.1", 4060),
        ("999.spark-worker-2.my-app-3.app.localspace:8081", "my-app-3", "spark-worker-2.999", 8081),
        ("9.w.abc.app.localspace:4050", "abc", "w.9", 4050),
        (f"1.{'w' * 63}.{'a' * 30}.app.localspace:8080", "a" * 30, f"{'w' * 63}.1", 8080),
        ("10.app.app.app.localspace:8080", "app", "app.10", 8080),
    ],
)
def test_backend(text: str, app: str, dyno: str, port: int) -> None:
    found = Backend.parse(text)
    assert found == Backend(text.rpartition(":")[0], app, port)
    assert (str(found), found.dyno) == (text, dyno)


def test_ports_are_those_with_pages() -> None:
    shown = [port for port in range(70_000) if Backend.parse(f"{DYNO}:{port}")]
    assert shown == [*range(4040, 4061), 8080, 8081, 8888, 18080]
    assert set(shown) == ports.PAGES


NEAR = [
    # Ports
    "", ":", f"{DYNO}", f"{DYNO}:", f"{DYNO}:7077", f"{DYNO}:4039", f"{DYNO}:4061", f"{DYNO}:22",
    f"{DYNO}:08081", f"{DYNO}:008081", f"{DYNO}:+8081", f"{DYNO}:-8081", f"{DYNO}:8081.0", f"{DYNO}:8_081",
    f"{DYNO}:0x1f91", f"{DYNO}:８０８１", f"{DYNO}:٨٠٨١", f"{DYNO}:808¹", f"{DYNO}:73617", f"{DYNO}:8081:8081",
    # What stands before, between and after
    f"{DYNO}:8081\n", f"\n{DYNO}:8081", f" {DYNO}:8081", f"{DYNO}:8081 ", f"{DYNO} :8081", f"{DYNO}:8081\x00",
    f"{DYNO}:8081/", f"{DYNO}:8081?", f"{DYNO}:8081#", f"{DYNO}:8081;", f"http://{DYNO}:8081", f"//{DYNO}:8081",
    f"spark@{DYNO}:8081", f"{DYNO}:8081@evil.example", f"{DYNO}:8081\r\nX: y", f"{DYNO}%00:8081", f"[{DYNO}]:8081",
    # Dots
    f"{DYNO}.:8081", f".{DYNO}:8081", "2..worker.myapp.app.localspace:8081", "2.worker.myapp.app.localspace..:8081",
    "2.worker.my.app.app.localspace:8081", "2%2eworker.myapp.app.localspace:8081",
    "2。worker.myapp.app.localspace:8081",
    # Case and letters
    "2.Worker.myapp.app.localspace:8081", "2.worker.MYAPP.app.localspace:8081", f"{DYNO.upper()}:8081",
    "2.wörker.myapp.app.localspace:8081", "2.work_er.myapp.app.localspace:8081", "2.worker.my_app.app.localspace:8081",
    # Numbers of dynos
    "0.worker.myapp.app.localspace:8081", "02.worker.myapp.app.localspace:8081",
    "1000.worker.myapp.app.localspace:8081",
    "-1.worker.myapp.app.localspace:8081", "２.worker.myapp.app.localspace:8081", "worker.myapp.app.localspace:8081",
    # Process types and apps
    "2.-worker.myapp.app.localspace:8081", "2.worker-.myapp.app.localspace:8081", "2.2worker.myapp.app.localspace:8081",
    f"2.{'w' * 64}.myapp.app.localspace:8081", "2.worker.-app.app.localspace:8081", "2.worker.app-.app.localspace:8081",
    "2.worker.2app.app.localspace:8081", "2.worker.ab.app.localspace:8081", f"2.worker.{'a' * 31}.app.localspace:8081",
    "2.worker..app.localspace:8081",
    # Elsewhere
    "localhost:8080", "localhost:4040", "127.0.0.1:8080", "10.0.0.1:8080", "169.254.169.254:8080", "[::1]:8080",
    "0:8080", "evil.example:8080", "2.worker.myapp.app.localspace.evil.example:8081", "2.worker.myapp.localspace:8081",
    "2.worker.myapp.app.localhost:8081", "evil.example/2.worker.myapp.app.localspace:8081", "unix:/tmp/desk:8080",
]  # fmt: skip


@pytest.mark.parametrize("text", NEAR)
def test_everything_else_is_none(text: str) -> None:
    assert Backend.parse(text) is None


def test_from_env() -> None:
    assert Backend.from_env({}, "X") is None
    assert Backend.from_env({"X": " "}, "X") is None
    assert Backend.from_env({"X": f"{DYNO}:8081"}, "X") == Backend(DYNO, "myapp", 8081)
    with pytest.raises(ConfigError) as caught:
        Backend.from_env({"X": f"{DYNO}:7077"}, "X")
    assert caught.value.lines() == [
        "X must be a dyno of the space and a port of Spark's pages (8080, 8081, 4040 to 4060, 18080, 8888), "
        f"but it is '{DYNO}:7077'.",
        "Set it with: heroku config:set X=1.master.APP.app.localspace:8080",
    ]
