"""pip and Ivy themselves, against an index and a repository on loopback that can do wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from buildpack import client, fetch, versions
from buildpack.cache import digest
from buildpack.errors import BuildError
from buildpack.versions import Artifact, Line

ROOT = Path(__file__).resolve().parent.parent
HASTE = fetch.Patience(limit_s=120, attempts=2, pause_s=0)

# What pip asks of setuptools, without setuptools.
BACKEND = """
import pathlib
class __legacy__:
    @staticmethod
    def prepare_metadata_for_build_wheel(folder, settings=None):
        info = pathlib.Path(folder, "pyspark-4.3.0.dist-info")
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: pyspark\\nVersion: 4.3.0\\n")
        (info / "WHEEL").write_text("Wheel-Version: 1.0\\n")
        return info.name
"""


class Server(ThreadingHTTPServer):
    """Serves ``files`` (path → bytes); ``wrongs`` says, request for request, what to do instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.wrongs: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.hanging = threading.Event()
        self.free = threading.Event()
        self.url = f"127.0.0.1:{self.server_port}"

    def requests_for(self, end: str) -> int:
        return sum(path.endswith(end) for path in self.asked)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        wrongs = self.server.wrongs.get(self.path, [])
        self.answer(body, wrongs.pop(0) if wrongs else "")

    def answer(self, body: bytes, wrong: str) -> None:
        if wrong == "corrupt":
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_response(503 if wrong == "busy" else 200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if wrong == "hang":
            self.server.hanging.set()
            self.server.free.wait(120)
        elif self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if wrong == "truncate" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.free.set()
            server.shutdown()
            thread.join()


def sdist() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in {"setup.py": "", "PKG-INFO": "Name: pyspark\nVersion: 4.3.0\n"}.items():
            entry = tarfile.TarInfo(f"pyspark-4.3.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("setuptools/__init__.py", "")
        file.writestr("setuptools/build_meta.py", BACKEND)
        file.writestr("setuptools-99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: setuptools\nVersion: 99.0\n")
        file.writestr("setuptools-99.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("setuptools-99.0.dist-info/RECORD", "")
    return made.getvalue()


def artifact(id: str, file: str, data: bytes) -> Artifact:
    return Artifact(id, file, hashlib.sha256(data).hexdigest(), len(data))


def keep(cache: Path, artifact: Artifact, data: bytes) -> Path:
    place = cache / artifact.sha256 / artifact.file
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    return place


def leftovers(cache: Path) -> list[Path]:
    """Files of the cache that are not what their folder says."""
    return [
        path for path in cache.rglob("*") if path.is_file() and path.relative_to(cache).parts[0] != digest(path)
    ] + list(cache.glob(".part-*"))


class Shop:
    """A cache, and an index that has a pyspark and a setuptools. ``url`` is that of the archive."""

    def __init__(self, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.cache, self.archive, self.wheel = server, cache, sdist(), wheel()
        self.setuptools = artifact("setuptools==99.0", "setuptools-99.0-py3-none-any.whl", self.wheel)
        self.artifact = artifact("pyspark==4.3.0", "pyspark-4.3.0.tar.gz", self.archive)
        self.line = dataclasses.replace(versions.default(), spark=self.artifact, jars=())
        self.url = f"/files/{self.artifact.file}"
        monkeypatch.setattr(versions, "setuptools", lambda: self.setuptools)
        self.offer("pyspark", self.artifact.file, self.archive)
        self.offer("setuptools", self.setuptools.file, self.wheel)
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        clean = {name: value for name, value in clean.items() if not name.startswith("PIP_")}
        index = f"http://someone:s3cr3t@{server.url}/simple"
        self.env = {**clean, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index}

    def offer(self, package: str, file: str, data: bytes) -> None:
        link = f'<!DOCTYPE html><html><body><a href="/files/{file}">{file}</a></body></html>'
        self.server.files |= {f"/simple/{package}/": link.encode(), f"/files/{file}": data}

    def fetch(self, patience: fetch.Patience = HASTE) -> Path:
        return fetch.spark(self.line, self.cache, patience, self.env)

    def refusal(self, patience: fetch.Patience = HASTE) -> str:
        with pytest.raises(BuildError) as caught:
            self.fetch(patience)
        assert leftovers(self.cache) == []
        return "\n".join(caught.value.lines())


@pytest.fixture
def shop(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """With setuptools in the cache."""
    shop = Shop(server, tmp_path / "cache", monkeypatch)
    keep(shop.cache, shop.setuptools, shop.wheel)
    return shop


def test_archive_and_setuptools_come_from_the_index_once(shop: Shop) -> None:
    shutil.rmtree(shop.cache)
    path = shop.fetch()
    assert path == shop.cache / shop.artifact.sha256 / "pyspark-4.3.0.tar.gz"
    assert path.read_bytes() == shop.archive
    assert sorted(file.name for file in shop.cache.rglob("*.*")) == [path.name, shop.setuptools.file]
    asked = len(shop.server.asked)
    assert shop.fetch() == path
    assert len(shop.server.asked) == asked


@pytest.mark.parametrize("wrong", ["corrupt", "truncate"])
def test_wrong_file_is_fetched_once_more(shop: Shop, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    shop.server.wrongs[shop.url] = [wrong]
    assert shop.fetch().read_bytes() == shop.archive
    said = capsys.readouterr().err
    if wrong == "corrupt":
        assert "pyspark==4.3.0 came wrong." in said and "It is fetched once more." in said


def test_file_that_stays_wrong_is_refused_with_both_hashes(shop: Shop) -> None:
    shop.server.wrongs[shop.url] = ["corrupt"] * 9
    said = shop.refusal()
    other = shop.archive[:-1] + bytes([shop.archive[-1] ^ 1])
    assert f"Expected: {shop.artifact.bytes} bytes, SHA-256 {shop.artifact.sha256}" in said
    assert f"SHA-256 {hashlib.sha256(other).hexdigest()}" in said
    assert f"{shop.server.url}/files/pyspark-4.3.0.tar.gz" in said
    assert shop.server.requests_for(".tar.gz") == 2
    assert "s3cr3t" not in said


def test_file_that_stays_truncated_is_refused(shop: Shop) -> None:
    shop.server.wrongs[shop.url] = ["truncate"] * 99
    assert "s3cr3t" not in shop.refusal()


def test_index_that_hangs_is_given_up(shop: Shop) -> None:
    shop.server.wrongs[shop.url] = ["hang"] * 9
    said = shop.refusal(fetch.Patience(limit_s=4, attempts=1, pause_s=0))
    assert "pip was stopped after 4 s." in said and "PIP_INDEX_URL" in said


def test_index_that_lacks_it_is_told(shop: Shop) -> None:
    del shop.server.files["/simple/pyspark/"]
    said = shop.refusal()
    assert "pip failed with exit code 1." in said and "pyspark==4.3.0" in said
    assert "s3cr3t" not in said
    assert shop.server.requests_for("/simple/pyspark/") == 2


def test_index_that_is_not_there_is_told(shop: Shop) -> None:
    shop.env["PIP_INDEX_URL"] = "http://someone:s3cr3t@127.0.0.1:1/simple"
    said = shop.refusal(dataclasses.replace(HASTE, attempts=1))
    assert "pip failed" in said and "s3cr3t" not in said


def test_poisoned_cache_is_told_and_made_anew(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    keep(shop.cache, shop.artifact, b"a trap")
    assert shop.fetch().read_bytes() == shop.archive
    assert "pyspark-4.3.0.tar.gz of the build cache is damaged (6 bytes" in capsys.readouterr().err


def test_app_can_not_stand_in_for_pip(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "pip.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(app)
    assert shop.fetch().read_bytes() == shop.archive


def test_ctrl_c_leaves_nothing_half_written(shop: Shop) -> None:
    shop.server.wrongs[shop.url] = ["hang"] * 9
    told = {"spark": dataclasses.asdict(shop.artifact), "setuptools": dataclasses.asdict(shop.setuptools)}
    program = """
import dataclasses, json, pathlib, sys
from buildpack import fetch, versions
told = {name: versions.Artifact(**each) for name, each in json.loads(sys.argv[1]).items()}
versions.setuptools = lambda: told["setuptools"]
fetch.spark(dataclasses.replace(versions.default(), spark=told["spark"]), pathlib.Path(sys.argv[2]))
"""
    command = [sys.executable, "-c", program, json.dumps(told), str(shop.cache)]
    with subprocess.Popen(command, cwd=ROOT, env=shop.env, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert shop.server.hanging.wait(60)
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode in (-signal.SIGINT, 130)
    assert leftovers(shop.cache) == []
    assert not (shop.cache / shop.artifact.sha256).exists()


@pytest.mark.parametrize(
    "said",
    ["raise OSError(28, 'No space left on device')", "raise SystemExit('write error: No space left on device')"],
)
def test_full_disk_is_told_with_what_is_needed(tmp_path: Path, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = dataclasses.replace(
        versions.default(), spark=Artifact("pyspark==4.3.0", "pyspark-4.3.0.tar.gz", "0" * 64, 10**9)
    )
    data = wheel()
    monkeypatch.setattr(versions, "setuptools", lambda: artifact("setuptools==99.0", "s-99.0.whl", data))
    keep(tmp_path, versions.setuptools(), data)
    monkeypatch.setattr(client, "pip_program", lambda: ([sys.executable, "-c", said], None))
    with pytest.raises(BuildError, match="The disk is full.*3500 MB"):
        fetch.spark(line, tmp_path, HASTE)


def test_full_disk_is_told_when_the_cache_takes_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetch, "_keep", full)
    assert "The disk is full" in shop.refusal()


def test_other_trouble_of_the_disk_is_not_called_full(shop: Shop) -> None:
    shutil.rmtree(shop.cache)
    shop.cache.write_text("in the way")
    with pytest.raises(OSError):
        shop.fetch()


def test_without_pip_the_one_in_python_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BuildError, match="has no pip") as caught:
        client.pip_program()
    assert "heroku/python" in caught.value.cure
    monkeypatch.setattr(client, "bundled_pip", lambda: tmp_path / "pip-1-py3-none-any.whl")
    assert client.pip_program()[1] == tmp_path / "pip-1-py3-none-any.whl"


@pytest.mark.skipif(client.bundled_pip() is None, reason="this Python has no pip of its own (Debian's)")
def test_bundled_pip_fetches_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
    assert shop.fetch().read_bytes() == shop.archive


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a:b@c.example/x y@z", "see https://***@c.example/x y@z"),
        ("https://token@c.example", "https://***@c.example"),
        ("https://a:b@c@d.example/x", "https://***@d.example/x"),
        ("https://a:b/c@d.example/x", "https://***@d.example/x"),
        ("https://c.example/x", "https://c.example/x"),
    ],
)
def test_credentials_of_urls_are_masked(text: str, shown: str) -> None:
    assert client.masked(text) == shown


class Repository:
    """Two modules in a Maven layout, and settings of Ivy that point there."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.cache = server, folder / "cache"
        self.data = {"a": b"jar a" * 100, "b": b"jar b" * 100}
        self.jars = tuple(self.publish(name, data) for name, data in self.data.items())
        self.line: Line = dataclasses.replace(versions.default(), jars=self.jars)
        settings = folder / "settings.xml"
        settings.write_text(f"""\
<ivysettings>
  <settings defaultResolver="here"/>
  <resolvers><ibiblio name="here" m2compatible="true" root="http://{server.url}/maven/"/></resolvers>
</ivysettings>
""")
        self.env = {**os.environ, "HOME": str(folder), "SPARKSPACE_IVY_SETTINGS": str(settings)}

    def publish(self, name: str, data: bytes) -> Artifact:
        pom = f"""\
<project>
  <modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>{name}</artifactId><version>1.0</version>
  <packaging>{"bundle" if name == "b" else "jar"}</packaging>
  <dependencies><dependency>
    <groupId>org.example</groupId><artifactId>unwanted</artifactId><version>1.0</version>
  </dependency></dependencies>
</project>
"""
        stem = f"/maven/org/example/{name}/1.0/{name}-1.0"
        self.server.files |= {f"{stem}.pom": pom.encode(), f"{stem}.jar": data}
        return artifact(f"org.example:{name}:1.0", f"{name}-1.0.jar", data)

    def fetch(self) -> list[Path]:
        [ivy] = Path(str(importlib.util.find_spec("pyspark").origin)).parent.glob("jars/ivy-*.jar")  # type: ignore[union-attr]
        return fetch.jars(self.line, self.cache, ivy, Path(str(shutil.which("java"))), HASTE, self.env)


@pytest.fixture
def repository(server: Server, tmp_path: Path) -> Repository:
    return Repository(server, tmp_path)


@pytest.mark.spark
def test_jars_come_from_the_repository_of_the_settings_once(repository: Repository, tmp_path: Path) -> None:
    paths = repository.fetch()
    assert [path.read_bytes() for path in paths] == list(repository.data.values())
    assert [path.parent.name for path in paths] == [each.sha256 for each in repository.jars]
    assert repository.server.requests_for("unwanted-1.0.jar") == 0
    assert not (tmp_path / ".ivy2").exists() and leftovers(repository.cache) == []
    asked = len(repository.server.asked)
    assert repository.fetch() == paths
    assert len(repository.server.asked) == asked


@pytest.mark.spark
def test_only_the_damaged_jar_is_fetched_again(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    keep(repository.cache, repository.jars[0], repository.data["a"])
    keep(repository.cache, repository.jars[1], b"a trap")
    assert [path.read_bytes() for path in repository.fetch()] == list(repository.data.values())
    assert "b-1.0.jar of the build cache is damaged" in capsys.readouterr().err
    assert repository.server.requests_for("a-1.0.jar") == 0


@pytest.mark.spark
def test_jar_that_stays_wrong_is_refused(repository: Repository) -> None:
    repository.server.files["/maven/org/example/b/1.0/b-1.0.jar"] = b"another"
    with pytest.raises(BuildError) as caught:
        repository.fetch()
    assert "org.example:b:1.0 came wrong." in caught.value.message
    assert f"{repository.server.url}/maven/org/example/b/1.0/b-1.0.jar" in caught.value.message
    assert "7 bytes" in caught.value.message
    assert repository.server.requests_for("/b-1.0.jar") >= 2
    assert leftovers(repository.cache) == []


@pytest.mark.spark
def test_module_that_is_absent_is_told(repository: Repository) -> None:
    del repository.server.files["/maven/org/example/b/1.0/b-1.0.pom"]
    del repository.server.files["/maven/org/example/b/1.0/b-1.0.jar"]
    with pytest.raises(BuildError) as caught:
        repository.fetch()
    assert "Ivy failed" in caught.value.message and "org.example#b;1.0: not found" in caught.value.message


def test_settings_that_are_not_there_are_told(tmp_path: Path) -> None:
    line = dataclasses.replace(versions.default(), jars=(Artifact("a:b:1", "b-1.jar", "0" * 64, 1),))
    env = {"SPARKSPACE_IVY_SETTINGS": "/nowhere.xml"}
    with pytest.raises(BuildError, match="SPARKSPACE_IVY_SETTINGS names a file, but there is none: /nowhere.xml"):
        fetch.jars(line, tmp_path, tmp_path, tmp_path, HASTE, env)


def test_java_that_is_not_there_is_told(tmp_path: Path) -> None:
    line = dataclasses.replace(versions.default(), jars=(Artifact("a:b:1", "b-1.jar", "0" * 64, 1),))
    with pytest.raises(BuildError, match="Ivy can't be started with /nowhere/java: No such file"):
        fetch.jars(line, tmp_path, tmp_path, Path("/nowhere/java"), HASTE, {"HOME": str(tmp_path)})


def test_settings_of_the_home_are_taken(tmp_path: Path) -> None:
    (tmp_path / ".ivy2").mkdir()
    (tmp_path / ".ivy2" / "ivysettings.xml").write_text("<ivysettings/>")
    assert fetch.ivy_settings({"HOME": str(tmp_path)}) == tmp_path / ".ivy2" / "ivysettings.xml"
