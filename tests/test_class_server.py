"""The class server over real HTTP: what it serves, to whom, and what changes while it does."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyspark
import pytest

from sparkspace.code.class_server import classfile
from sparkspace.code.class_server.served import Folder, Jar, Sources
from sparkspace.code.roots import Root
from sparkspace.code.tree import RACY_NS, Watch

from .class_server import Running, running

SPARK = Path(str(pyspark.__file__)).parent / "jars"


def real_classes() -> dict[str, bytes]:
    """The classes of a jar of Spark's."""
    with zipfile.ZipFile(next(SPARK.glob("spark-launcher_*.jar"))) as jar:
        return {name: jar.read(name) for name in jar.namelist() if name.endswith(".class")}


CLASSES = real_classes()
VECTOR, COMPANION, SECOND, *_ = CLASSES.values()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with classes, a jar and Python sources."""
    folder = tmp_path / "app"
    files = {
        "classes/org/example/Vector2D.class": VECTOR,
        "classes/org/example/Vector2D$Companion$.class": COMPANION,
        "classes/größe.txt": "maß".encode(),
        "classes/empty.txt": b"",
        "sources/mylib/__init__.py": b"",
        "sources/mylib/vector.py": b"def length(x, y): ...\n",
        "sources/mylib/.env": b"PASSWORD=hidden",
        "sources/mylib/ignored.py": b"",
        "sources/.gitignore": b"ignored.py\n",
        "secret.txt": b"outside",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        settle(path)
    with zipfile.ZipFile(folder / "lib.jar", "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("org/example/InJar.class", b"\xca\xfe\xba\xbein a jar")
        jar.writestr("org/example/Vector2D.class", b"hidden by the folder's")
        jar.writestr("../secret.txt", b"a name that leads out")
    return folder


@pytest.fixture
def server(app: Path, tmp_path: Path) -> Iterator[Running]:
    """Serves the app."""
    sources = Watch(Root(app / "sources", frozenset({"mylib"})))
    roots = {"classes": [Folder(app / "classes"), Jar(app / "lib.jar")], "python": [Sources(sources)]}
    with running(tmp_path / "blobs", roots) as found:
        yield found


def settle(path: Path) -> None:
    """As if it had been written a while ago: what is fresh is waited for."""
    os.utime(path, (time.time() - 10, time.time() - 10))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/classes/org/example/Vector2D.class", VECTOR),
        ("/classes/org/example/Vector2D%24Companion$.class", COMPANION),
        ("/classes/gr%C3%B6%C3%9Fe.txt", "maß".encode()),
        ("/classes/empty.txt", b""),
        ("/classes/org/example/InJar.class", b"\xca\xfe\xba\xbein a jar"),
        ("/python/mylib/vector.py", b"def length(x, y): ...\n"),
        (f"/blobs/{sha256(VECTOR)}", VECTOR),
        (f"/blobs/{sha256(b'def length(x, y): ...' + bytes([10]))}", b"def length(x, y): ...\n"),
    ],
)
def test_files_are_served_by_name_and_by_content(server: Running, path: str, content: bytes) -> None:
    reply = server.signed("GET", path)
    assert (reply.status, reply.body) == (200, content)
    assert reply.headers["ETag"] == f'"{sha256(content)}"'
    head = server.signed("HEAD", path)
    assert (head.status, head.body, head.headers.get("Content-Length", "0")) == (200, b"", str(len(content)))
    assert head.headers["ETag"] == reply.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "/classes/org/example/Nothing.class",
        "/classes/org/example",
        "/classes/org/example/",
        "/classes/",
        "/classes",
        "/python/mylib/.env",
        "/python/mylib/ignored.py",
        "/python/mylib/__pycache__/x.pyc",
        f"/blobs/{'0' * 64}",
        "/blobs/x",
        "/",
        "/nothing",
    ],
)
def test_what_is_not_there_is_not_there(server: Running, path: str) -> None:
    reply = server.signed("GET", path)
    assert (reply.status, reply.body) == (404, b"")


def test_everything_is_listed_to_who_has_the_secret(server: Running) -> None:
    found = server.signed("GET", "/list").json
    assert set(found["classes"]) == {
        "org/example/Vector2D.class",
        "org/example/Vector2D$Companion$.class",
        "größe.txt",
        "empty.txt",
        "org/example/InJar.class",
    }
    assert found["classes"]["org/example/Vector2D.class"] == [sha256(VECTOR), len(VECTOR)]
    assert set(found["python"]) == {"mylib/__init__.py", "mylib/vector.py"}


def test_a_capability_opens_what_it_is_for(server: Running) -> None:
    opened = f"/read/{server.key.capability('release')}/release"
    assert server.plain("GET", f"{opened}/classes/org/example/Vector2D.class").body == VECTOR
    assert server.plain("GET", f"{opened}/python/mylib/vector.py").status == 200
    assert server.plain("HEAD", f"{opened}/classes/org/example/Vector2D.class").status == 200
    for path in ("/list", "/sessions", "/classes/empty.txt", f"/blobs/{sha256(VECTOR)}", "/classes/Nothing.class"):
        assert server.plain("GET", opened + path).status == (200 if path == "/classes/empty.txt" else 404)
    other = server.key.capability("pushed/x")
    assert server.plain("GET", f"/read/{other}/release/classes/org/example/Vector2D.class").status == 404


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({"If-None-Match": f'"{sha256(VECTOR)}"'}, 304, b""),
        ({"If-None-Match": f'"x", W/"{sha256(VECTOR)}"'}, 304, b""),
        ({"If-None-Match": "*"}, 304, b""),
        ({"If-None-Match": '"x"'}, 200, VECTOR),
        ({"Range": "bytes=0-3"}, 206, VECTOR[:4]),
        ({"Range": "bytes=4-"}, 206, VECTOR[4:]),
        ({"Range": "bytes=-8"}, 206, VECTOR[-8:]),
        ({"Range": "bytes=0-99999"}, 206, VECTOR),
        ({"Range": f"bytes={len(VECTOR) - 1}-"}, 206, VECTOR[-1:]),
        ({"Range": f"bytes={len(VECTOR)}-"}, 416, b""),
        ({"Range": "bytes=99999-"}, 416, b""),
        ({"Range": "bytes=5-2"}, 200, VECTOR),
        ({"Range": "bytes=0-1,3-4"}, 200, VECTOR),
        ({"Range": "lines=1-2"}, 200, VECTOR),
        ({"Range": "bytes=a-b"}, 200, VECTOR),
        ({"Range": "bytes=0-3", "If-Range": f'"{sha256(VECTOR)}"'}, 206, VECTOR[:4]),
        ({"Range": "bytes=0-3", "If-Range": '"another"'}, 200, VECTOR),
    ],
)
def test_conditions_and_ranges(server: Running, headers: dict[str, str], status: int, body: bytes) -> None:
    path = "/classes/org/example/Vector2D.class"
    reply = server.signed("GET", path, **{name.replace("-", "_"): value for name, value in headers.items()})
    assert (reply.status, reply.body) == (status, body)
    if status == 206:
        start = VECTOR.index(body) if len(body) > 1 else len(VECTOR) - 1
        assert reply.headers["Content-Range"] == f"bytes {start}-{start + len(body) - 1}/{len(VECTOR)}"
    if status == 416:
        assert reply.headers["Content-Range"] == f"bytes */{len(VECTOR)}"


def test_real_jars_of_spark_are_served(tmp_path: Path) -> None:
    """Every class of a jar, many at once, as the jar itself has it."""
    path = next(SPARK.glob("spark-launcher_*.jar"))
    with zipfile.ZipFile(path) as jar, running(tmp_path, {"classes": [Jar(path)]}) as server:
        names = [name for name in jar.namelist() if name.endswith(".class")]
        opened = f"/read/{server.key.capability('release')}/release/classes"
        with ThreadPoolExecutor(16) as many:
            replies = dict(
                zip(names, many.map(lambda name: server.plain("GET", f"{opened}/{name}"), names), strict=True)
            )
        assert len(names) > 20
        assert [name for name in names if replies[name].body != jar.read(name)] == []
        listed = server.signed("GET", "/list").json["classes"]
        assert [name for name in names if listed[name] != [sha256(jar.read(name)), len(jar.read(name))]] == []


def test_what_changes_is_served_anew(server: Running, app: Path) -> None:
    path, name = app / "classes/org/example/Vector2D.class", "/classes/org/example/Vector2D.class"
    assert server.signed("GET", name).body == VECTOR
    path.write_bytes(SECOND)
    second = server.signed("GET", name, If_None_Match=f'"{sha256(VECTOR)}"')
    assert (second.status, second.body) == (200, SECOND)
    assert server.signed("GET", f"/blobs/{sha256(VECTOR)}").status == 404
    path.unlink()
    assert server.signed("GET", name).body == b"hidden by the folder's"
    (app / "classes/new.txt").write_bytes(b"new")
    assert server.signed("GET", "/classes/new.txt").body == b"new"
    assert server.signed("GET", f"/blobs/{sha256(b'new')}").body == b"new"


def test_a_jar_is_opened_again_when_it_has_changed(server: Running, app: Path) -> None:
    assert server.signed("GET", "/classes/org/example/InJar.class").status == 200
    for number in range(10):
        with zipfile.ZipFile(app / "next.jar", "w", zipfile.ZIP_DEFLATED) as jar:
            jar.writestr("org/example/InJar.class", f"version {number} {'x' * number * 1000}")
        if number % 2:
            os.replace(app / "next.jar", app / "lib.jar")
        else:
            (app / "lib.jar").write_bytes((app / "next.jar").read_bytes())
        assert server.signed("GET", "/classes/org/example/InJar.class").body.startswith(b"version %d " % number)


def test_a_class_that_is_being_written_is_never_served_half(server: Running, app: Path) -> None:
    """A compiler that writes the same class again and again, in pieces and with pauses; readers at all times."""
    path, over = app / "classes/Busy.class", threading.Event()
    whole = [VECTOR, COMPANION, SECOND]

    def write() -> None:
        for number in range(12):
            content = whole[number % 3]
            with open(path, "wb", buffering=0) as file:
                for at in range(0, len(content), 500):
                    file.write(content[at : at + 500])
                    time.sleep(0.01)
        over.set()

    opened = f"/read/{server.key.capability('release')}/release/classes/Busy.class"
    path.write_bytes(whole[0])
    writer = threading.Thread(target=write)
    writer.start()
    with ThreadPoolExecutor(4) as many:
        replies = []
        while not over.is_set():
            replies += many.map(lambda _: server.plain("GET", opened), range(4))
    writer.join()
    assert {reply.status for reply in replies} <= {200, 503}
    served = [reply.body for reply in replies if reply.status == 200]
    assert len(set(served)) > 1
    assert [body for body in served if body not in whole] == []


def test_a_file_that_was_written_just_now_is_waited_for(server: Running, app: Path) -> None:
    """Where it ends only time tells."""
    path = app / "classes/table.csv"
    path.write_bytes(b"a,b")
    assert server.signed("GET", "/classes/table.csv").body == b"a,b"
    assert time.time_ns() - path.stat().st_mtime_ns >= RACY_NS


def test_half_a_class_is_told_from_a_whole_one() -> None:
    assert [name for name, content in CLASSES.items() if not classfile.is_whole(content)] == []
    assert [size for size in range(len(VECTOR)) if classfile.is_whole(VECTOR[:size])] == []
    assert not classfile.is_whole(VECTOR + b"x")


def test_links_lead_nowhere(server: Running, app: Path) -> None:
    classes = app / "classes"
    (classes / "file-out.txt").symlink_to(app / "secret.txt")
    (classes / "folder-out").symlink_to(app)
    (classes / "within.txt").symlink_to(classes / "empty.txt")
    os.mkfifo(classes / "pipe")
    for name in ("file-out.txt", "folder-out/secret.txt", "within.txt", "pipe"):
        assert server.signed("GET", f"/classes/{name}").status == 404
    assert not {"file-out.txt", "folder-out/secret.txt", "pipe"} & set(server.signed("GET", "/list").json["classes"])
