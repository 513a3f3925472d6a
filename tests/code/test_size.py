"""How much is shipped: said from 5 MB on, refused above 50, with the ten largest files."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkspace.code import size
from sparkspace.code.parcel import Version
from sparkspace.code.roots import Root
from sparkspace.code.size import LARGE, LISTED, TOO_LARGE, TooLarge
from sparkspace.code.tree import Watch


def version(folder: Path, sizes: list[int]) -> Version:
    (folder / "large").mkdir()
    for number, length in enumerate(sizes):
        with open(folder / "large" / f"part{number}.txt", "wb") as file:
            file.truncate(length)
    return Version(((0, Watch(Root(folder, frozenset({"large"}))).look()),))


def test_a_little_is_not_worth_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    size.warn(version(tmp_path, [LARGE]).files, "shipped")
    assert capfd.readouterr().err == ""


def test_much_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = version(tmp_path, [LARGE, 1])
    size.refuse(found.files, "shipped")
    size.warn(found.files, "shipped", found.path)
    err = capfd.readouterr().err
    assert "5.0 MB are shipped" in err and str(tmp_path / "large" / "part0.txt") in err


def test_too_much_is_refused_with_the_largest_files(tmp_path: Path) -> None:
    sizes = [TOO_LARGE - 200, *range(10, 10 + LISTED + 3)]
    with pytest.raises(TooLarge, match="the limit is 50.0 MB") as caught:
        size.refuse(version(tmp_path, [*sizes, 100]).files, "shipped")
    listed = [line for line in caught.value.message.splitlines() if ".txt" in line]
    assert len(listed) == LISTED
    assert "part0.txt" in listed[0] and f"part{len(sizes)}.txt" in listed[1], "the largest first"
    assert "part1.txt" not in caught.value.message, "the smallest is not worth naming"
