"""Spark's archive, unpacked without what a standalone cluster never loads; a small one, in the shape of the real."""

from __future__ import annotations

import importlib.metadata
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from buildpack import cache, distribution, families, jars, natives
from buildpack.errors import BuildError

TOP = "pyspark-4.3.0"
ARCHIVE = {
    "PKG-INFO": "Metadata-Version: 2.4\nName: pyspark\nVersion: 4.3.0\n",
    "setup.py": "",
    "LICENSE": "Apache",
    "pyspark/__init__.py": "",
    "pyspark/sql/types.py": "",
    "deps/bin/spark-class": "#!/bin/sh\n",
    "deps/bin/spark-class2.cmd": "",
    "deps/sbin/spark-daemon.sh": "",
    "deps/examples/pi.py": "",
    "deps/data/mllib/a.txt": "",
    "deps/jars/spark-core_2.13-4.3.0.jar": "",
    "deps/jars/kubernetes-client-7.6.1.jar": "",
    "deps/jars/connect-repl/trees_2.13-4.13.10.jar": "",
    "lib/pyspark.zip": "",
}
LIBRARIES = ("librocksdbjni-linux64.so", "librocksdbjni-linux-aarch64.so", "librocksdbjni-linux64-musl.so", "a.class")


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as jar:
        for name in names:
            jar.writestr(name, name * 100)
    return content.getvalue()


def archive(folder: Path, **files: str | bytes) -> Path:
    """An archive with these files besides, named with ``__`` for ``/``."""
    contents: dict[str, str | bytes] = {
        **{name: text if not name.endswith(".jar") else zipped("a.class") for name, text in ARCHIVE.items()},
        "deps/jars/rocksdbjni-9.8.4.jar": zipped(*LIBRARIES),
        "lib/py4j-0.10.9.9-src.zip": zipped("py4j/__init__.py"),
        **{name.replace("__", "/"): content for name, content in files.items()},
    }
    path = folder / f"{TOP}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(f"{TOP}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def files(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


def test_it_is_where_import_finds_it(tmp_path: Path) -> None:
    made = distribution.unpack(archive(tmp_path), tmp_path / "site", families.unwanted(""), "x86_64")
    assert made.home == tmp_path / "site" / "pyspark"
    assert files(made.home) == {
        "__init__.py", "sql/types.py", "bin/spark-class", "sbin/spark-daemon.sh", "python/lib/pyspark.zip",
        "python/lib/py4j-0.10.9.9-src.zip", "jars/spark-core_2.13-4.3.0.jar", "jars/rocksdbjni-9.8.4.jar",
        "licenses/LICENSE",
    }  # fmt: skip
    assert (made.home / "bin" / "spark-class").stat().st_mode & 0o111
    assert set(made.left_out) == {"examples", "windows", "kubernetes", "connect-repl", "foreign-natives"}
    found = {each.name: each.version for each in importlib.metadata.distributions(path=[str(tmp_path / "site")])}
    assert found == {"pyspark": "4.3.0", "py4j": "0.10.9.9"}


def test_jars_keep_this_machines_libraries_alone(tmp_path: Path) -> None:
    for machine, kept in (("x86_64", LIBRARIES[0]), ("aarch64", LIBRARIES[1])):
        site = tmp_path / machine
        made = distribution.unpack(archive(tmp_path), site, families.unwanted(""), machine)
        with zipfile.ZipFile(made.home / "jars" / "rocksdbjni-9.8.4.jar") as jar:
            assert sorted(jar.namelist()) == sorted(["a.class", kept])
            assert jar.read("a.class") == b"a.class" * 100


def test_jars_are_stored_with_their_folders(tmp_path: Path) -> None:
    """Without its folders, Java refuses a jar that has an INDEX.LIST: InvalidJarIndexError."""
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("META-INF/", "META-INF/MANIFEST.MF", "META-INF/A.SF", "b/", "b/B.class", "a/A.class"):
            target.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), "" if name.endswith("/") else name * 100)
    before = zipfile.ZipFile(jar).infolist()
    assert jars.store(jar, lambda entry: entry == "a/A.class") == before[-1].compress_size
    with zipfile.ZipFile(jar) as stored:
        assert [(entry.filename, entry.date_time) for entry in stored.infolist()] == [
            (entry.filename, entry.date_time) for entry in before[:-1] if entry.filename != "META-INF/A.SF"
        ]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in stored.infolist())
        assert stored.read("b/B.class") == b"b/B.class" * 100
    assert [path.name for path in tmp_path.iterdir()] == ["a.jar"]


def test_families_can_be_kept(tmp_path: Path) -> None:
    unwanted = families.unwanted("kubernetes, examples")
    home = distribution.unpack(archive(tmp_path), tmp_path / "site", unwanted, "x86_64").home
    assert {"jars/kubernetes-client-7.6.1.jar", "examples/src/main/python/pi.py", "data/mllib/a.txt"} <= files(home)
    assert "jars/connect-repl/trees_2.13-4.13.10.jar" not in files(home)
    everything = distribution.unpack(archive(tmp_path), tmp_path / "site", families.unwanted("all"), "x86_64")
    assert len(files(everything.home)) == len(ARCHIVE)  # without PKG-INFO and setup.py, with the two that are zipped


def test_a_family_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BuildError, match="SPARKSPACE_KEEP names hivee, and there is no such family") as refused:
        families.unwanted("kubernetes,hivee")
    assert "connect-repl, kubernetes, yarn" in refused.value.cure


@pytest.mark.parametrize(
    ("entry", "is_foreign"),
    [
        ("librocksdbjni-linux64.so", False),
        ("librocksdbjni-linux32.so", True),
        ("librocksdbjni-osx-x86_64.jnilib", True),
        ("librocksdbjni-win64.dll", True),
        ("linux/amd64/libzstd-jni-1.5.7-7.so", False),
        ("freebsd/amd64/libzstd-jni-1.5.7-7.so", True),
        ("win/amd64/libzstd-jni-1.5.7-7.dll", True),
        ("org/xerial/snappy/native/Linux/x86_64/libsnappyjava.so", False),
        ("org/xerial/snappy/native/Linux/x86_64-musl/libsnappyjava.so", True),
        ("org/xerial/snappy/native/SunOS/x86_64/libsnappyjava.so", True),
        ("resources/native/Linux-amd64/libnetlibblasjni.so", False),
        ("META-INF/native/linux64/libleveldbjni.so", False),
        ("META-INF/native/libnetty_tcnative_linux_x86_64.so", False),
        ("META-INF/native/libnetty_transport_native_epoll_x86_64.so", False),
        ("META-INF/native/libnetty_tcnative_linux_aarch_64.so", True),
        ("org/apache/commons/crypto/native/Linux/x86/libcommons-crypto.so", True),
        ("org/apache/spark/Linux.class", False),
        ("windows/readme.txt", False),
    ],
)
def test_native_libraries_are_told_apart(entry: str, is_foreign: bool) -> None:
    assert natives.is_foreign(entry, "x86_64") == is_foreign
    assert not natives.is_foreign(entry, "s390x"), "a machine without a spelling keeps all"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "pyspark-4.3.0/pyspark/../../../x"])
def test_nothing_is_written_outside(name: str) -> None:
    assert distribution.place(name) is None


def test_a_cut_archive_leaves_what_was_there(tmp_path: Path) -> None:
    site = tmp_path / "site"
    distribution.unpack(archive(tmp_path), site, [], "x86_64")
    before = files(site)
    whole = archive(tmp_path).read_bytes()
    for length in (0, 100, len(whole) // 2):
        (tmp_path / "cut.tar.gz").write_bytes(whole[:length])
        with pytest.raises(BuildError, match="cut.tar.gz can't be unpacked"):
            distribution.unpack(tmp_path / "cut.tar.gz", site, [], "x86_64")
        assert files(site) == before


def test_an_archive_without_spark_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz"):
        pass
    with pytest.raises(BuildError, match="can't be unpacked"):
        distribution.unpack(tmp_path / "other.tar.gz", tmp_path / "site", [], "x86_64")
    assert not (tmp_path / "site" / "pyspark").exists()


def tree(folder: Path) -> Path:
    for name, text in {"pyspark/a.py": "a", "pyspark-4.3.0.dist-info/METADATA": "m", "py4j/b.py": "b"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    cache.write(folder)
    return folder


def test_a_tree_that_was_touched_is_noticed(tmp_path: Path) -> None:
    kept = tree(tmp_path)
    assert cache.is_sound(kept)
    (kept / "pyspark" / "a.py").write_text("b")
    assert not cache.is_sound(kept)
    (kept / "pyspark" / "a.py").write_text("a")
    (kept / "pyspark" / "more.py").write_text("")
    assert not cache.is_sound(kept)
    (kept / "pyspark" / "more.py").unlink()
    assert cache.is_sound(kept)
    (kept / cache.NAME).write_text("{")
    assert not cache.is_sound(kept)


def test_another_version_is_replaced_whole(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("pyspark/old.py", "pyspark-3.5.0.dist-info/METADATA", "py4j/old.py", "pysparkling/mine.py"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("")
    cache.copy(tree(tmp_path / "tree"), site)
    assert files(site) == {"pyspark/a.py", "pyspark-4.3.0.dist-info/METADATA", "py4j/b.py", "pysparkling/mine.py"}


def test_a_tree_is_made_once_and_anew_when_it_was_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = []

    def make(fresh: Path) -> None:
        made.append(fresh)
        tree(fresh)

    place = tmp_path / "spark" / "4.3.0-abc"
    assert cache.tree(place, make) == cache.tree(place, make) == place
    assert len(made) == 1
    (place / "pyspark" / "a.py").write_text("poison")
    cache.tree(place, make)
    assert (len(made), (place / "pyspark" / "a.py").read_text()) == (2, "a")
    assert "The cache is damaged: 4.3.0-abc is made anew." in capsys.readouterr().err
    cache.tree(tmp_path / "spark" / "4.3.1-def", make)
    assert [path.name for path in (tmp_path / "spark").iterdir()] == ["4.3.1-def"]


def test_a_tree_that_can_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    def make(fresh: Path) -> None:
        (fresh / "half").write_text("")
        raise BuildError("no")

    with pytest.raises(BuildError):
        cache.tree(tmp_path / "spark" / "a", make)
    assert list((tmp_path / "spark").iterdir()) == []
