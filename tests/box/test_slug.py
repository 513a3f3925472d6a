"""Slugs that are none, and those that somebody else has packed."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from sparkspace.box import slug
from sparkspace.errors import BoxError, UsageError

from .conftest import Box

DATE = 1_500_000_000


def pack(path: Path, *names: str) -> Path:
    """An archive of such files, whose owner is nobody here."""
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime, member.uid = len(name), 0o755, DATE, 12345
            tar.addfile(member, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("top", ["./app/", "app/", "./", ""])
def test_where_the_files_are(tmp_path: Path, top: str) -> None:
    packed = pack(tmp_path / "slug.tgz", f"{top}Procfile", f"{top}app.json", f"{top}bin/run")
    with slug.first_look(packed) as folder:
        assert {path.name for path in folder.iterdir() if path.is_file()} == {"Procfile", "app.json"}
    unpacked = slug.unpack(packed, tmp_path / "slug")
    program = unpacked / "bin" / "run"
    assert program.read_text() == f"{top}bin/run"
    assert (program.stat().st_uid, program.stat().st_mtime) == (os.getuid(), DATE)
    assert os.access(program, os.X_OK)


def test_every_dyno_has_its_files(tmp_path: Path) -> None:
    unpacked = tmp_path / "slug"
    unpacked.mkdir()
    (unpacked / "small").write_text("x")
    (unpacked / "large").write_bytes(bytes(slug.LINKED_FROM_BYTES))
    (unpacked / "link").symlink_to("small")
    slug.lay(unpacked, tmp_path / "app")
    (tmp_path / "app" / "small").write_text("mine")
    assert (unpacked / "small").read_text() == "x"
    assert (tmp_path / "app" / "large").samefile(unpacked / "large")
    assert (tmp_path / "app" / "link").readlink() == Path("small")


def test_no_slug_on_loopback(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: true\n")
    with tarfile.open(tmp_path / "slug.tgz", "w:gz") as tar:
        tar.add(tmp_path / "Procfile", "app/Procfile")
    done = Box(tmp_path)("up", "--network", "loopback", "--slug", "slug.tgz", code=UsageError.exit_code)
    assert "A slug lies in /app, which takes namespaces: there is none on loopback." in done.stderr
    assert [path.name for path in tmp_path.glob(".sparkspace/*.json")] == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="There is no slug") as refused, slug.first_look(tmp_path / "none.tgz"):
        pass
    assert "heroku slugs:download" in refused.value.cure


@pytest.mark.parametrize("kind", ["cut", "folder", "text", "empty"])
def test_no_slug(tmp_path: Path, kind: str) -> None:
    packed = pack(tmp_path / "slug.tgz", "app/Procfile", *(f"app/{number}" for number in range(200)))
    whole = packed.read_bytes()
    packed.unlink()
    if kind == "folder":
        packed.mkdir()
    else:
        packed.write_bytes({"cut": whole[: len(whole) // 2], "text": b"x" * 2000, "empty": b""}[kind])
    with pytest.raises(BoxError, match="is no slug, or not all of one"), slug.first_look(packed):
        pass


def test_no_procfile(tmp_path: Path) -> None:
    packed = pack(tmp_path / "slug.tgz", "app/run")
    with pytest.raises(BoxError, match="has no Procfile"), slug.first_look(packed):
        pass
