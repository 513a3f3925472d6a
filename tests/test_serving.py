"""``bin/class-server`` as a process: what it serves by itself, what it refuses, and that it ends when it is told to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from sparkspace.cluster.class_server import Away, Client
from sparkspace.cluster.signature import Key
from sparkspace.code import url_of
from sparkspace.code.urls import jvm_path, version_url
from sparkspace.config import Dyno, Settings
from sparkspace.errors import ConfigError, UsageError

from . import launchers
from .launchers import FACTS, SECRET
from .test_class_server import VECTOR

ENV = {**FACTS, "SPARKSPACE_SECRET": SECRET, "HEROKU_PRIVATE_IP": "127.0.9.90"}


def test_it_serves_what_is_in_the_app_until_it_is_stopped(tmp_path: Path) -> None:
    for name, content in {
        "target/classes/org/example/Vector2D.class": VECTOR,
        "mylib/__init__.py": b"def f(): ...\n",
        "mylib/.env": b"SECRET=hidden",
        ".profile.d/secret.sh": b"export SPARKSPACE_SECRET=hidden",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    command = [launchers.ROOT / "bin" / "class-server"]
    env = {**ENV, "PATH": launchers.PATH, "HEROKU_RELEASE_VERSION": "v7", "HEROKU_SLUG_COMMIT": "0123456789abcdef"}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert "at=serving dyno=run.1 port=7090 classes=1 python=1" in line and 'release="v7 0123456789ab"' in line
        with contextlib.closing(Client(Key(SECRET), ENV["HEROKU_PRIVATE_IP"])) as client:
            listed, sessions = answered(client, "/list"), answered(client, "/sessions")
        assert set(listed["classes"]) == {"org/example/Vector2D.class"}
        assert set(listed["python"]) == {"mylib/__init__.py"}
        assert sessions == {"release": "v7 0123456789ab", "sessions": []}
        host = url_of("org.example.Vector2D", ENV).replace("1.classserver.myapp.app.localspace", "127.0.9.90")
        with urllib.request.urlopen(host, timeout=20) as reply:
            assert reply.read() == VECTOR
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def answered(client: Client, path: str) -> dict[str, object]:
    """The answer, once somebody listens."""
    for _ in range(200):
        try:
            found: dict[str, object] = client.ask("GET", path, within_s=5).json
            return found
        except Away as error:
            assert "refused" in str(error)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize(
    ("args", "env", "code", "said"),
    [
        ((), {"SPARKSPACE_SECRET": ""}, 78, "SPARKSPACE_SECRET must be set"),
        (("nowhere",), {}, 64, "There is no nowhere."),
        (("--python", "nowhere"), {}, 64, "There is no nowhere."),
        (("--nothing",), {}, 64, "unrecognized arguments"),
        ((), {"HEROKU_PRIVATE_IP": "192.0.2.1"}, 71, "Can't listen on 192.0.2.1:7090"),
        ((), {"DYNO": ""}, 71, "not a dyno"),
    ],
)
def test_what_is_wrong_is_said(
    args: tuple[str, ...], env: dict[str, str], code: int, said: str, tmp_path: Path
) -> None:
    ended = launchers.run("class-server", *args, env={**ENV, "PATH": launchers.PATH, **env}, cwd=tmp_path)
    assert (ended.code, said in ended.stderr) == (code, True), ended.stderr


def test_urls_name_what_they_are_of() -> None:
    base = "http://1.classserver.myapp.app.localspace:7090/read/"
    capability = Key(SECRET).capability("release")
    assert url_of("org.example.Outer$Inner", ENV) == f"{base}{capability}/release/classes/org/example/Outer$Inner.class"
    assert url_of(Client, ENV) == f"{base}{capability}/release/python/sparkspace/cluster/class_server.py"
    assert url_of(launchers.run, ENV).endswith("/python/tests/launchers.py")
    assert url_of(os.path.join, ENV).endswith("/python/posixpath.py")
    assert SECRET not in url_of("a.B", ENV)
    job = {**ENV, "SPARKSPACE_MASTER_APP": "the-cluster"}
    assert url_of("a.B", job).startswith(base)  # its own release, which another app does not have
    pushed = version_url(Dyno.from_env(job), Settings.from_env(job), "0" * 64)
    assert pushed.startswith("http://1.classserver.the-cluster.app.localspace:7090/")
    version = version_url(Dyno.from_env(ENV), Settings.from_env(ENV), "0" * 64)
    assert version == f"{base}{Key(SECRET).capability('pushed/' + '0' * 64)}/pushed/{'0' * 64}"


def test_what_has_no_name_has_no_url() -> None:
    with pytest.raises(ConfigError, match="SPARKSPACE_SECRET"):
        url_of("a.B", FACTS)
    for nothing in ("", "../x", "a/b", "a\0b", "a..b"):
        with pytest.raises(UsageError, match="not the name of a class"):
            jvm_path(nothing)
    for built_in in (len, int, type("Made", (), {"__module__": "__main__"})):
        with pytest.raises(UsageError, match="no source"):
            url_of(built_in, ENV)
