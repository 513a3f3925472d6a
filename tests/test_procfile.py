"""The Procfile: what is read from it, and which line is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkspace.box import procfile
from sparkspace.errors import BoxError

from .launchers import ROOT


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("web: run", {"web": "run"}),
        ("web: run\nworker:run --port $PORT  \n", {"web": "run", "worker": "run --port $PORT"}),
        ("\n# a comment: with a colon\n\n  web : run\n", {"web": "run"}),
        ("web: bash -c 'a: b # c'\r\nspark-worker-2: x\r\n", {"web": "bash -c 'a: b # c'", "spark-worker-2": "x"}),
        ("z: 1\na: 2", {"z": "1", "a": "2"}),
        ("web: 日本", {"web": "日本"}),
    ],
)
def test_taken(text: str, types: dict[str, str]) -> None:
    assert list(procfile.parse(text).items()) == list(types.items())


NAME = "which can't be the name of a host."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The Procfile has no process type."),
        ("# web: run\n", "The Procfile has no process type."),
        ("web: run\nworker", "Line 2 of the Procfile is 'worker': it needs a process type, a colon and a command."),
        ("web:", "Line 1 of the Procfile is 'web:': it needs a process type, a colon and a command."),
        (": run", f"Line 1 of the Procfile has the process type '', {NAME}"),
        ("spark_worker: x", f"Line 1 of the Procfile has the process type 'spark_worker', {NAME}"),
        ("Web: x", f"Line 1 of the Procfile has the process type 'Web', {NAME}"),
        ("2web: x", f"Line 1 of the Procfile has the process type '2web', {NAME}"),
        ("web-: x", f"Line 1 of the Procfile has the process type 'web-', {NAME}"),
        ("wéb: x", f"Line 1 of the Procfile has the process type 'wéb', {NAME}"),
        (f"{'a' * 64}: x", f"Line 1 of the Procfile has the process type '{'a' * 64}', {NAME}"),
        ("../web: x", f"Line 1 of the Procfile has the process type '../web', {NAME}"),
        ("run: x", f"Line 1 of the Procfile has the process type 'run', {NAME}"),
        ("release: x", f"Line 1 of the Procfile has the process type 'release', {NAME}"),
        ("web: x\n\nweb: y", "Line 3 of the Procfile has the process type 'web' a second time."),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(BoxError) as caught:
        procfile.parse(text)
    assert caught.value.message == message
    assert caught.value.cure


def test_read(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match=f"There is no Procfile in {tmp_path}."):
        procfile.read(tmp_path)
    (tmp_path / "Procfile").write_bytes(b"web: \xff")
    with pytest.raises(BoxError, match=f"The Procfile in {tmp_path} is not UTF-8 text."):
        procfile.read(tmp_path)
    (tmp_path / "Procfile").write_text("web: x")
    assert procfile.read(tmp_path) == {"web": "x"}


def test_ours() -> None:
    assert procfile.read(ROOT)["worker"] == "bin/spark-worker"
