"""Files beside notebooks, from the bucket to the dyno's disk."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from sparkspace.cluster import mirror as mirrors
from sparkspace.cluster.mirror import Mirror, is_inside, make_folder
from sparkspace.config import S3
from sparkspace.errors import LaunchError

ROOT = "my-bucket/notes"


class Store:
    """What of s3fs is asked, and what was."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.read: list[str] = []

    def find(self, root: str, detail: bool) -> dict[str, dict[str, object]]:
        return {
            f"{ROOT}/{path}": {"ETag": hashlib.md5(content).hexdigest(), "size": len(content)}
            for path, content in self.objects.items()
        }

    def cat_file(self, path: str) -> bytes:
        self.read.append(path.removeprefix(f"{ROOT}/"))
        return self.objects[path.removeprefix(f"{ROOT}/")]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def mirror(tmp_path: Path, store: Store) -> Mirror:
    found = Mirror(f"s3a://{ROOT}", tmp_path / "notebooks", S3("my-bucket", "key", "secret", "eu-west-1", ""))
    found._store = store
    return found


def shown(mirror: Mirror) -> dict[str, bytes]:
    """The files that somebody sees there."""
    files = (path for path in mirror.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(mirror.folder)): path.read_bytes() for path in files}


def test_what_is_new_changed_or_gone(mirror: Mirror, store: Store) -> None:
    store.objects = {"lib.py": b"x = 1", "team/a.csv": b"1,2", "team/deep/b.py": b""}
    mirror.renew()
    assert shown(mirror) == store.objects
    store.objects = {"lib.py": b"x = 2", "team/deep/b.py": b""}
    store.read.clear()
    mirror.renew()
    assert (shown(mirror), store.read) == (store.objects, ["lib.py"])


def test_what_another_kernel_has_fetched_is_not_fetched_again(mirror: Mirror, store: Store) -> None:
    store.objects = {"lib.py": b"x = 1"}
    mirror.renew()
    other = Mirror(f"s3a://{ROOT}", mirror.folder, S3("my-bucket", "key", "secret", "eu-west-1", ""))
    other._store = store
    other.renew()
    assert store.read == ["lib.py"]
    (mirror.folder / "lib.py").unlink()
    other.renew()
    assert store.read == ["lib.py", "lib.py"]


def test_what_stays_in_the_bucket(mirror: Mirror, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "MOST_BYTES", 4)
    store.objects = {
        "a/my.ipynb": b"{}",
        ".s3keep": b"",
        "b/.hidden/x.py": b"",
        "large.bin": b"12345",
        "just.bin": b"1234",
    }
    mirror.renew()
    assert shown(mirror) == {"just.bin": b"1234"}
    assert (mirror.folder / "a").is_dir()  # a kernel starts in it


@pytest.mark.parametrize("name", ["../x.py", "/x.py", "a/../../x.py", "a//x.py", "a/./x.py", "a/..", "", "."])
def test_a_name_that_leads_elsewhere(mirror: Mirror, store: Store, name: str) -> None:
    store.objects = {name: b"x"}
    mirror.renew()
    assert shown(mirror) == {} and not is_inside(name)


def test_they_are_read_only_and_whole(mirror: Mirror, store: Store) -> None:
    store.objects = {"lib.py": b"x = 1"}
    mirror.renew()
    assert stat.S_IMODE(os.stat(mirror.folder / "lib.py").st_mode) == 0o444
    assert [path.name for path in mirror.folder.iterdir() if path.name.startswith(".mirror-")] == []


def test_a_store_that_does_not_answer(mirror: Mirror, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.objects = {"lib.py": b"x = 1"}
    mirror.renew()

    def down(root: str, detail: bool) -> None:
        raise TimeoutError("no route")

    monkeypatch.setattr(store, "find", down)
    with pytest.raises(LaunchError, match=r"s3a://my-bucket/notes can't be read: no route"):
        mirror.renew()
    assert shown(mirror) == store.objects


@pytest.mark.parametrize(
    ("path", "kind", "made"),
    [("/new nb/x.ipynb", "notebook", "new nb"), ("a/b", "directory", "a/b"), ("x.py", "file", "")],
)
def test_a_folder_is_there_once_something_was_saved_in_it(tmp_path: Path, path: str, kind: str, made: str) -> None:
    make_folder(s3_path=path, model={"type": kind}, contents_manager=SimpleNamespace(root_dir=str(tmp_path)))
    assert (tmp_path / made).is_dir() and {each.name for each in tmp_path.iterdir()} == set(
        filter(None, [made.split("/")[0]])
    )
