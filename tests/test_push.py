"""``bin/sparkspace push`` from a laptop's folder, through a real nginx and the desk, to a real class server."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import IO

import pytest
import requests

from sparkspace import cli
from sparkspace.cluster.class_server import Client
from sparkspace.cluster.signature import Key
from sparkspace.code import size
from sparkspace.code.pushed import Pushed

from . import web_process
from .class_server import SECRET, Running, running
from .launchers import ROOT
from .test_class_server import COMPANION, VECTOR
from .test_pushed import files_of
from .web_process import PASSWORD, USER, Standing

AUTH = (USER, PASSWORD)
HEADER = {"X-Sparkspace-Push": "1"}
LINE = re.compile(r"pushed (\d+) files? of (\d+), version ([0-9a-f]{7}), \d+\.\d\d s\n")


@dataclass
class Site:
    """A web process, and the class server behind it."""

    url: str
    lookout: Standing
    server: Running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path / "blobs", {}) as server:
        with web_process.running(f"127.0.0.1:{server.port}") as (port, lookout):
            yield Site(f"http://127.0.0.1:{port}", lookout, server)


@pytest.fixture
def ann(site: Site) -> Iterator[Pushed]:
    """A session that is open."""
    with contextlib.closing(Pushed(Client(Key(SECRET), *site.server.address), "ann", "run.1/1", "myapp", "")) as found:
        found.look()
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project on a laptop."""
    folder = tmp_path / "project"
    for name, content in {
        "pyproject.toml": b"",
        "src/mylib/__init__.py": b"",
        "src/mylib/vector.py": b"def length(): return 1\n",
        "src/mylib/data/table.csv": b"a,b\n",
        "src/mylib/.env": b"PASSWORD=never-pushed",
        "src/job.py": b"import mylib\n",
        "tests/test_it.py": b"",
        "target/classes/org/example/Vector2D.class": VECTOR,
        ".gitignore": b"target/\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / ".git").mkdir()
    return folder


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH",)}
    return {**kept, "HOME": "/nonexistent", "SPACE_PROXY_BASIC_AUTH": f"{USER}:{{PLAIN}}{PASSWORD}", **more}


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    stdout: str
    stderr: str


def push(folder: Path, *args: str, code: int = 0, **env: str) -> Ended:
    """Run it here, which is faster than in a process of its own."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(folder)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", environment(**env))
        try:
            ended = cli.main(["sparkspace", "push", *args])
        finally:
            os.chdir(before)
    assert ended == code, err.getvalue()
    assert PASSWORD not in err.getvalue() + out.getvalue()
    return Ended(out.getvalue(), err.getvalue())


def test_it_is_a_command(site: Site, ann: Pushed, project: Path) -> None:
    command = [str(ROOT / "bin" / "sparkspace"), "push", "--url", site.url]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, bool(LINE.fullmatch(done.stdout))) == (0, True), done.stderr
    assert f"Pushing job, mylib, {project}/target/classes to ann at {site.url}" in done.stderr


def test_a_push_sends_what_is_missing_and_the_driver_has_it(site: Site, ann: Pushed, project: Path) -> None:
    first = LINE.fullmatch(push(project, "--url", site.url).stdout)
    assert first and first.groups()[:2] == ("5", "5")
    assert files_of(ann.look()) == {
        "mylib/__init__.py": b"",
        "mylib/vector.py": b"def length(): return 1\n",
        "mylib/data/table.csv": b"a,b\n",
        "job.py": b"import mylib\n",
    }
    assert files_of(ann.classes) == {"org/example/Vector2D.class": VECTOR}
    assert ann.version.startswith(first[3])
    (project / "src/mylib/vector.py").write_text("def length(): return 2\n")
    second = LINE.fullmatch(push(project, "--to", "ann", SPARKSPACE_URL=site.url).stdout)
    assert second and second.groups()[:2] == ("1", "5")
    assert files_of(ann.look())["mylib/vector.py"] == b"def length(): return 2\n"
    third = LINE.fullmatch(push(project, "--url", site.url).stdout)
    assert third and third.groups() == ("0", "5", second[3])
    (session,) = site.server.pushes.listed()["sessions"]
    assert (session["by"], session["files"]) == (USER, 5)


def test_folders_that_are_named(site: Site, ann: Pushed, project: Path) -> None:
    push(project, "--url", site.url, "src/mylib/data/..", "target/classes")
    assert set(files_of(ann.look())) == {"mylib/__init__.py", "mylib/vector.py", "mylib/data/table.csv"}
    assert files_of(ann.classes) == {"org/example/Vector2D.class": VECTOR}
    (project / "other/org/example").mkdir(parents=True)
    (project / "other/org/example/Vector2D.class").write_bytes(COMPANION)
    refused = push(project, "--url", site.url, "target/classes", "other", code=64)
    assert "org/example/Vector2D.class is in two of the folders" in refused.stderr
    assert "no folder" in push(project, "--url", site.url, "nothing", code=64).stderr


def test_a_large_push_goes_in_parts(site: Site, ann: Pushed, project: Path) -> None:
    """Contents that can't be made smaller, more than one request takes."""
    contents = {f"part{number}.bin": os.urandom(3_000_000) for number in range(7)}
    contents["large.bin"] = os.urandom(20_000_000)
    for name, content in contents.items():
        (project / "src/mylib" / name).write_bytes(content)
    done = push(project, "--url", site.url)
    assert LINE.fullmatch(done.stdout)
    assert "39.1 MB are pushed. The largest files:" in done.stderr
    found = files_of(ann.look())
    assert {name: found[f"mylib/{name}"] for name in contents} == contents


def test_a_push_of_many_files(site: Site, ann: Pushed, project: Path) -> None:
    """The names of what is missing are more than one read of a socket gives."""
    many = project / "src/mylib/many"
    many.mkdir()
    for number in range(3000):
        (many / f"m{number}.py").write_text(f"X = {number}\n")
    assert LINE.fullmatch(push(project, "--url", site.url).stdout)
    assert len(files_of(ann.look())) > 3000


def test_too_much_is_refused_with_the_largest_files(site: Site, ann: Pushed, project: Path) -> None:
    for number in range(12):
        with open(project / f"src/mylib/file{number}.bin", "wb") as file:
            file.truncate(size.TOO_LARGE // 10 + number * 1024 * 1024)
    refused = push(project, "--url", site.url, code=70).stderr
    assert "the limit is 50.0 MB" in refused
    assert refused.count(".bin") == 10 and "file11.bin" in refused
    assert ann.look() is None


def test_what_can_be_wrong_is_said(site: Site, project: Path) -> None:
    nobody = push(project, "--url", site.url, code=76).stderr
    assert 'Open one on the cluster: sparkspace.session(push="NAME")' in nobody
    site.server.opened("ann"), site.server.opened("bob")
    assert "2 sessions are open: ann, bob." in push(project, "--url", site.url, code=64).stderr
    other = push(project, "--url", site.url, "--to", "eve", code=76).stderr
    assert "No session 'eve' is open" in other and "Open are: ann, bob." in other
    wrong = push(project, "--url", site.url, code=76, SPACE_PROXY_BASIC_AUTH="spark:{PLAIN}wrong-horse").stderr
    assert "does not take this password of the user 'spark'" in wrong
    nowhere = push(project, "--url", "http://127.0.0.1:9", code=69).stderr
    assert "can't be reached" in nowhere and "refused" in nowhere
    assert "must not be in a URL" in push(project, "--url", "http://a:b@127.0.0.1", code=64).stderr
    assert (
        "What is the password of spark" in push(project, "--url", site.url, code=64, SPACE_PROXY_BASIC_AUTH="").stderr
    )
    assert "Where is the cluster?" in push(project, code=64).stderr
    site.lookout.see("")
    away = push(project, "--url", site.url, "--to", "ann", code=69).stderr
    assert "No class server is running." in away and "heroku ps:scale classserver=1" in away
    site.lookout.see("127.0.0.1:9")
    assert "does not answer" in push(project, "--url", site.url, "--to", "ann", code=69).stderr


def test_a_password_of_netrc_is_taken(site: Site, ann: Pushed, project: Path, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (tmp_path / ".netrc").chmod(0o600)
    push(project, "--url", site.url, HOME=str(tmp_path), SPACE_PROXY_BASIC_AUTH="")
    assert ann.look()


class Watching:
    """``bin/sparkspace push --watch``, and what it prints."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.process = subprocess.Popen(
            [ROOT / "bin" / "sparkspace", "push", "--watch", *args], cwd=folder, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: Queue[str] = Queue()
        self.said: list[str] = []
        takes = ((self.process.stdout, self.lines.put), (self.process.stderr, self.said.append))
        self.readers = [threading.Thread(target=self.read, args=each) for each in takes]
        for reader in self.readers:
            reader.start()

    def read(self, stream: IO[str], take: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                take(line)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(10)

    def line(self, timeout_s: float = 20) -> str:
        """The next line."""
        try:
            return self.lines.get(timeout=timeout_s)
        except Empty:
            raise AssertionError(f"nothing was pushed: {''.join(self.said)}") from None

    def says(self, text: str) -> None:
        """Wait until it has said this."""
        end = time.monotonic() + 20
        while text not in "".join(self.said):
            assert time.monotonic() < end, self.said
            time.sleep(0.02)


@contextlib.contextmanager
def watching(folder: Path, *args: str) -> Iterator[Watching]:
    found = Watching(folder, *args)
    try:
        yield found
        found.process.send_signal(signal.SIGINT)
        assert found.process.wait(20) == 0
        assert "Traceback" not in "".join(found.said)
    finally:
        found.end()


def test_watch_pushes_each_change(site: Site, ann: Pushed, project: Path) -> None:
    with watching(project, "--url", site.url) as watch:
        assert LINE.fullmatch(watch.line())
        for number in range(5):
            (project / "src/mylib/vector.py").write_text(f"def length(): return {number} + 100\n")
            pushed = LINE.fullmatch(watch.line())
            assert pushed and pushed.groups()[:2] == ("1", "5")
            assert files_of(ann.look())["mylib/vector.py"] == b"def length(): return %d + 100\n" % number
        (project / "src/mylib/new.py").write_text("")
        (project / "src/job.py").unlink()
        while "mylib/new.py" not in files_of(ann.look()) or "job.py" in files_of(ann.look()):
            assert LINE.fullmatch(watch.line())


def test_watch_waits_for_a_session(site: Site, project: Path) -> None:
    with watching(project, "--url", site.url) as watch:
        watch.says("No session on the cluster asks for what is pushed. Trying again.")
        site.server.opened("ann")
        assert LINE.fullmatch(watch.line())


def test_watch_ends_with_control_c_while_it_waits(site: Site, project: Path) -> None:
    with watching(project, "--url", site.url) as watch:
        watch.says("Trying again.")


def test_watch_goes_on_when_the_class_server_was_away(site: Site, project: Path) -> None:
    session = site.server.opened("ann")
    with watching(project, "--url", site.url) as watch:
        assert LINE.fullmatch(watch.line())
        site.lookout.see("")
        (project / "src/job.py").write_text("import mylib  # edited\n")
        watch.says("No class server is running. Trying again.")
        site.lookout.see(f"127.0.0.1:{site.server.port}")
        assert LINE.fullmatch(watch.line())
        site.server.pushes.sessions.close("ann", session, "notebook.1")
        (project / "src/job.py").write_text("import mylib  # edited once more\n")
        watch.says("No session 'ann' is open. Trying again.")
        site.server.opened("ann")
        assert LINE.fullmatch(watch.line())
        assert "".join(watch.said).count("No class server is running.") == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (HEADER, 404),
        ({}, 403),
        ({"X-Sparkspace-Push": "2"}, 403),
        ({"X-Push": "1"}, 403),
        ({**HEADER, "Origin": "https://evil.example"}, 403),
        ({**HEADER, "Origin": "null"}, 403),
        ({**HEADER, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**HEADER, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 403),
        ({"Content-Type": "text/plain"}, 403),
        ({**HEADER, "X-User": "root", "Authorization-X": "y", "X-Seal": "z"}, 404),
    ],
)
def test_a_browser_can_not_be_made_to_push(site: Site, headers: dict[str, str], status: int) -> None:
    from sparkspace.code.class_server import manifest

    body = manifest.packed({"to": "ann", "files": {}, "sent": []})
    reply = requests.post(f"{site.url}/sparkspace/code/push", body, auth=AUTH, headers=headers, timeout=20)
    assert reply.status_code == status
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_nobody_gets_through_without_the_password(site: Site) -> None:
    site.server.opened("ann")
    for path in ("push", "sessions", "", "list", "classes/x", "../code/push"):
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            reply = requests.request(method, f"{site.url}/sparkspace/code/{path}", headers=HEADER, timeout=20)
            assert reply.status_code == 401 and "ann" not in reply.text


def test_only_two_paths_lead_to_the_class_server(site: Site) -> None:
    site.server.opened("ann")
    before = requests.get(f"{site.url}/sparkspace/code/sessions", auth=AUTH, timeout=20)
    assert [each["name"] for each in before.json()["sessions"]] == ["ann"]
    for path in ("list", "sessions/ann", "fetch", "push/", "sessions/", "read/x", "blobs/x", "%73essions/..%2flist"):
        reply = requests.get(f"{site.url}/sparkspace/code/{path}", auth=AUTH, timeout=20)
        assert reply.status_code != 200 and "ann" not in reply.text, path
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert requests.request(
            method, f"{site.url}/sparkspace/code/push", auth=AUTH, headers=HEADER, timeout=20
        ).status_code in (405, 501)
    reply = requests.put(f"{site.url}/sparkspace/code/sessions?dyno=x", auth=AUTH, headers=HEADER, timeout=20)
    assert reply.json()["sessions"][0]["drivers"] == before.json()["sessions"][0]["drivers"]


def test_more_than_nginx_takes_is_refused(site: Site) -> None:
    reply = requests.post(
        f"{site.url}/sparkspace/code/push", b"x" * 73 * 1024 * 1024, auth=AUTH, headers=HEADER, timeout=60
    )
    assert reply.status_code == 413


def test_a_stranger_as_the_class_server_is_not_passed_on(tmp_path: Path) -> None:
    with running(tmp_path, {}) as server:
        with web_process.running(f"127.0.0.1:{server.port}", "another-secret-of-this-web-process") as (port, _):
            reply = requests.get(f"http://127.0.0.1:{port}/sparkspace/code/sessions", auth=AUTH, timeout=20)
            assert (reply.status_code, reply.json()["error"]) == (502, "no-class-server")
