"""What a folder of claims and states means to the next master: its JVM code itself, over a folder of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from py4j.java_gateway import JavaGateway
from pyspark.java_gateway import launch_gateway

pytestmark = pytest.mark.spark
SECRET = "5f2c-the-secret-of-the-cluster"


@pytest.fixture(scope="module")
def jvm() -> Iterator[Any]:
    """A JVM with Spark's classes and ours, and nothing of Spark started in it."""
    gateway: JavaGateway = launch_gateway(popen_kwargs={"env": {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}})
    yield gateway.jvm
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)


@pytest.fixture
def ledger(jvm: Any, tmp_path: Path) -> Callable[..., Any]:  # noqa: ANN401
    """Makes the ledger of one master more."""
    room = jvm.org.apache.spark.sparkspace.recovery
    path = jvm.org.apache.hadoop.fs.Path(tmp_path.as_uri())

    def make(secret: str = SECRET) -> Any:  # noqa: ANN401
        return room.Ledger(room.Folder(path, jvm.org.apache.hadoop.conf.Configuration(), room.Seal(secret)))

    return make


def found(ledger: Any) -> bytes | None:  # noqa: ANN401
    """What a master that starts finds."""
    state = ledger.take()
    return bytes(state.get()) if state.isDefined() else None


def names(folder: Path, kind: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(kind))


@pytest.fixture
def written(ledger: Callable[..., Any], tmp_path: Path) -> list[Path]:
    """A folder in which a master has written three states, the oldest first."""
    first = ledger()
    assert found(first) is None
    for content in (b"one", b"two", b"three"):
        first.record(content)
    return [tmp_path / name for name in names(tmp_path, "state-")]


def test_next_master_has_the_newest_state_of_the_last_that_wrote(
    ledger: Callable[..., Any], written: list[Path]
) -> None:
    assert found(ledger()) == b"three"
    last = ledger()  # the one before has written nothing
    assert found(last) == b"three"
    last.record(b"four")
    assert found(ledger()) == b"four"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[14] ^= 1
    path.write_bytes(content)


def put_an_old_one_in_its_place(path: Path) -> None:
    shutil.copy(path.with_name(path.name[:-1] + "1"), path)


@pytest.mark.parametrize("harm", [cut, empty, change, put_an_old_one_in_its_place])
def test_state_that_is_not_sound_is_left_for_the_one_before(
    ledger: Callable[..., Any], written: list[Path], harm: Callable[[Path], None]
) -> None:
    harm(written[-1])
    assert found(ledger()) == b"two"


def test_half_written_state_is_left_for_the_last_whole_one(ledger: Callable[..., Any], written: list[Path]) -> None:
    half = written[-1].with_name(written[-1].name[:-1] + "4")
    half.write_bytes(written[-1].read_bytes()[:20])
    assert found(ledger()) == b"three"


def test_another_secret_reads_nothing(ledger: Callable[..., Any], written: list[Path]) -> None:
    assert found(ledger("another-secret-of-another-cluster")) is None
    assert found(ledger()) == b"three"


def test_nothing_can_be_read_in_what_is_written(written: list[Path]) -> None:
    assert not any(b"three" in path.read_bytes() for path in written)


def test_old_files_are_swept_when_nobody_needs_them(
    ledger: Callable[..., Any], written: list[Path], tmp_path: Path
) -> None:
    second = ledger()
    second.take()
    second.look()
    assert len(names(tmp_path, "state-")) == 3, "the second has written nothing yet"
    for number in range(5):
        second.record(b"%d" % number)
    second.look()
    assert [name[:16] + name[-2:] for name in names(tmp_path, "state-")] == [
        f"state-0000000002-{n}"[:16] + f"0{n}" for n in (3, 4, 5)
    ]
    assert [name[:16] for name in names(tmp_path, "claim-")] == ["claim-0000000002"]


def test_folder_that_is_emptied_is_filled_again(
    ledger: Callable[..., Any], written: list[Path], tmp_path: Path
) -> None:
    second = ledger()
    assert found(second) == b"three"
    for path in tmp_path.iterdir():
        path.unlink()
    second.look()
    assert found(ledger()) == b"three"


def test_strangers_files_are_let_be(ledger: Callable[..., Any], written: list[Path], tmp_path: Path) -> None:
    for name in ("README", "state-1-x", "claim-0000000009", "state-0000000009-abc-0000000001.crc"):
        (tmp_path / name).write_text("mine")
    assert found(ledger()) == b"three"
    assert (tmp_path / "README").read_text() == "mine"
