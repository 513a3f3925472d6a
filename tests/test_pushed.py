"""A driver's side of a push: sessions, versions, and a class server that comes and goes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkspace.cluster.class_server import Client
from sparkspace.cluster.signature import Key
from sparkspace.code.class_server.sessions import FORGOTTEN_AFTER_S
from sparkspace.code.pushed import LOOK_WITHIN_S, Pushed
from sparkspace.errors import ConfigError, PlatformError, UsageError

from .class_server import SECRET, Running, running
from .launchers import FACTS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "blobs", {}) as found:
        yield found


@contextlib.contextmanager
def driver(port: int, dyno: str = "notebook.1/1", release: str = "v1", secret: str = SECRET) -> Iterator[Pushed]:
    client = Client(Key(secret), "127.0.0.1", port, sender=dyno)
    pushed = Pushed(client, "ann", dyno, "myapp", release)
    try:
        yield pushed
    finally:
        pushed.close()


def files_of(folder: Path | None) -> dict[str, bytes]:
    assert folder
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_driver_sees_what_is_pushed_at_its_next_look(server: Running) -> None:
    with driver(server.port) as ann:
        assert ann.look() is None
        one = {"python/mylib/a.py": b"one", "python/mylib/same.py": b"same", "classes/org/A.class": b"class"}
        assert server.push("ann", one).json["missing"] == []
        first = ann.look()
        assert files_of(first) == {"mylib/a.py": b"one", "mylib/same.py": b"same"}
        assert files_of(ann.classes) == {"org/A.class": b"class"}
        two = {"python/mylib/b.py": b"two", "python/mylib/same.py": b"same"}
        assert server.push("ann", two, sending=["python/mylib/b.py"]).json["missing"] == []
        assert files_of(ann.look()) == {"mylib/b.py": b"two", "mylib/same.py": b"same"}
        assert ann.classes is None
        assert files_of(first)["mylib/a.py"] == b"one"  # somebody may still read there
        assert server.push("ann", one).json["missing"] == []
        assert ann.look() == first


def test_only_what_is_missing_is_sent(server: Running) -> None:
    with driver(server.port) as ann:
        ann.look()
        files = {f"python/mylib/m{number}.py": b"%d" % number for number in range(5)}
        missing = server.push("ann", files, sending=["python/mylib/m0.py"]).json["missing"]
        assert len(missing) == 4
        assert ann.look() is None  # not before it is complete
        assert server.push("ann", files, sending=[f"python/mylib/m{number}.py" for number in (1, 2)]).json["missing"]
        assert server.push("ann", files, sending=["python/mylib/m3.py", "python/mylib/m4.py"]).json["missing"] == []
        assert len(files_of(ann.look())) == 5


def test_a_look_when_nothing_is_new_is_one_short_answer(server: Running) -> None:
    with driver(server.port) as ann:
        ann.look()
        server.push("ann", {"python/a.py": b"x" * 1_000_000})
        ann.look()
        asked: list[str] = []
        before = server.pushes.session
        server.pushes.session = lambda request, *rest: asked.append(request.method) or before(request, *rest)  # type: ignore
        assert ann.look() == ann.look()
        assert asked == ["GET", "GET"]


def test_a_file_that_was_written_over_is_fetched_again(server: Running) -> None:
    with driver(server.port) as ann:
        ann.look()
        server.push("ann", {"python/a.py": b"one", "python/same.py": b"same"})
        folder = ann.look()
        assert folder
        (folder / "same.py").write_bytes(b"damaged")
        (folder / "new.txt").write_bytes(b"a package may write beside its modules")
        server.push("ann", {"python/a.py": b"two", "python/same.py": b"same"})
        assert files_of(ann.look()) == {"a.py": b"two", "same.py": b"same"}


def test_the_server_says_what_runs_where(server: Running) -> None:
    with driver(server.port) as ann, driver(server.port, "run.7/1") as other:
        ann.look(), other.look()
        version = server.push("ann", {"python/a.py": b"x"}).json["version"]
        ann.look(), ann.look()
        (session,) = server.signed("GET", "/sessions").json["sessions"]
        assert (session["name"], session["version"], session["by"], session["files"]) == ("ann", version, "ann", 1)
        assert [(each["dyno"], each["runs"]) for each in session["drivers"]] == [
            ("notebook.1/1", version),
            ("run.7/1", ""),
        ]


def test_what_is_pushed_goes_with_the_last_driver(server: Running) -> None:
    with driver(server.port) as ann:
        with driver(server.port, "run.7/1") as other:
            ann.look(), other.look()
            server.push("ann", {"python/a.py": b"x"})
        assert files_of(ann.look()) == {"a.py": b"x"}
    assert server.signed("GET", "/sessions").json["sessions"] == []
    refused = server.push("ann", {"python/a.py": b"x"})
    assert (refused.status, refused.json["error"], refused.json["open"]) == (404, "not-open", [])
    with driver(server.port) as ann:
        assert ann.look() is None


def test_a_driver_that_died_is_forgotten(server: Running) -> None:
    now = [time.time()]
    server.pushes.sessions._clock = lambda: now[0]
    server.opened("ann")
    assert len(server.signed("GET", "/sessions").json["sessions"]) == 1
    now[0] += FORGOTTEN_AFTER_S + 1
    assert server.signed("GET", "/sessions").json["sessions"] == []


def test_a_new_release_begins_with_nothing(server: Running) -> None:
    with driver(server.port, release="v1") as old, driver(server.port, "notebook.1/2", release="v2") as new:
        old.look()
        server.push("ann", {"python/a.py": b"for v1"})
        assert files_of(old.look()) == {"a.py": b"for v1"}
        assert new.look() is None
        server.push("ann", {"python/a.py": b"for v2"})
        assert files_of(new.look()) == {"a.py": b"for v2"}
        assert files_of(old.look()) == {"a.py": b"for v1"}  # what it runs is not changed
        assert files_of(old.look()) == {"a.py": b"for v1"}


def test_a_class_server_that_restarts_changes_nothing_that_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(contextlib.ExitStack())
        server = first.enter_context(running(tmp_path / "two", {}))
        ann = stack.enter_context(driver(server.port))
        ann.look()
        server.push("ann", {"python/a.py": b"kept"})
        kept = ann.look()
        assert files_of(kept) == {"a.py": b"kept"}
        first.close()
        for _ in range(5):
            assert ann.look() == kept
        with running(tmp_path / "three", {}, server.port) as again:
            ann._again_at = 0
            assert ann.look() == kept
            assert [each["name"] for each in again.signed("GET", "/sessions").json["sessions"]] == ["ann"]
            again.push("ann", {"python/a.py": b"new"})
            assert files_of(ann.look()) == {"a.py": b"new"}
    said = capfd.readouterr().err
    assert said.count("warning=no-class-server") == 1
    assert said.count("nothing-is-pushed-any-more") == 1


def test_a_driver_that_does_nothing_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the class server has restarted meanwhile: a laptop can push, and the next look has it."""
    monkeypatch.setattr("sparkspace.code.pushed.BEAT_EVERY_S", 0.1)
    with running(tmp_path / "one", {}) as server:
        port, stack = server.port, contextlib.ExitStack()
        ann = stack.enter_context(driver(port))
        assert ann.look() is None
    with stack, running(tmp_path / "two", {}, port) as again:
        end = time.monotonic() + 20
        while not again.pushes.sessions.all():
            assert time.monotonic() < end
            time.sleep(0.05)
        again.push("ann", {"python/a.py": b"x"})
        time.sleep(0.3)
        assert ann.version == ""  # a beat takes nothing: what runs changes at an action alone
        assert files_of(ann.look()) == {"a.py": b"x"}


def test_nobody_there_is_said_once_and_costs_little(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with driver(port) as ann:
        assert [ann.look() for _ in range(50)] == [None] * 50
    assert capfd.readouterr().err.count("heroku ps:scale classserver=1") == 1


def test_somebody_who_never_answers_is_not_waited_for() -> None:
    """He takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, driver(silent.getsockname()[1]) as ann:
        began = time.monotonic()
        assert ann.look() is None
        assert time.monotonic() - began < LOOK_WITHIN_S + 1.5
        began = time.monotonic()
        assert ann.look() is None
        assert time.monotonic() - began < 0.3


def test_a_stranger_at_the_address_is_not_believed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Somebody with another secret answers where the class server was."""
    with running(tmp_path / "blobs", {}) as server, driver(server.port, secret="another-secret-altogether") as ann:
        assert ann.look() is None
        assert "has another secret" in capfd.readouterr().err
        assert server.signed("GET", "/sessions").json["sessions"] == []


def test_many_drivers_and_pushes_at_once(server: Running) -> None:
    """Every driver sees whole versions only, and the last one in the end."""
    versions = [{f"python/m{n}.py": b"version %d" % number for n in range(8)} for number in range(12)]
    with contextlib.ExitStack() as stack:
        drivers = [stack.enter_context(driver(server.port, f"run.{number}/1")) for number in range(6)]
        for each in drivers:
            each.look()
        seen: list[set[bytes]] = []
        over = threading.Event()

        def follow(each: Pushed) -> None:
            while not over.is_set():
                if each.look():
                    seen.append(set(files_of(each.look()).values()))

        threads = [threading.Thread(target=follow, args=(each,)) for each in drivers]
        for thread in threads:
            thread.start()
        for version in versions:
            assert server.push("ann", version).json["missing"] == []
        over.set()
        for thread in threads:
            thread.join(30)
        assert {len(contents) for contents in seen} <= {1}
        assert [set(files_of(each.look()).values()) for each in drivers] == [{b"version 11"}] * 6


def test_it_is_for_a_dyno_of_the_cluster() -> None:
    with pytest.raises(PlatformError, match="not a dyno"):
        Pushed.from_env({}, "ann")
    with pytest.raises(ConfigError, match="SPARKSPACE_SECRET"):
        Pushed.from_env(FACTS, "ann")
    for name in ("", "Ann", "../ann", "a" * 64, "a b", "-a", "ä"):
        with pytest.raises(UsageError):
            Pushed.from_env({**FACTS, "SPARKSPACE_SECRET": SECRET}, name)
