"""The box's log: lines whole, split or broken, the last of them, and those who follow."""

from __future__ import annotations

import asyncio
import re

import pytest

from sparkspace.box.logs import HISTORY, LONGEST, Line, Log


def every(line: Line) -> bool:
    return True


def copied(*pieces: bytes) -> list[str]:
    """What the log has after these pieces came from a dyno, one by one."""

    async def copy() -> list[str]:
        log, stream = Log(), asyncio.StreamReader()
        copying = asyncio.create_task(log.copy(stream, "web.1"))
        for piece in pieces:
            stream.feed_data(piece)
            await asyncio.sleep(0)
        stream.feed_eof()
        await copying
        return [line.text for line in log.last(HISTORY, every)]

    return asyncio.run(copy())


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"o", b"ne\nt", b"wo\n"], ["one", "two"]),
        ([b"no newline"], ["no newline"]),
        ([b"one\r\n\r\ntwo\n\n"], ["one", "", "two", ""]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"\xc3", b"\xa9\n"], ["é"]),
        ([b"a\x00b\x1b[1m\n"], ["a\x00b\x1b[1m"]),
        ([b"x" * LONGEST + b"\n"], ["x" * LONGEST]),
        ([b"x" * LONGEST + b"y\n"], ["x" * LONGEST, "y"]),
    ],
)
def test_lines_of_a_dyno(pieces: list[bytes], lines: list[str]) -> None:
    assert copied(*pieces) == lines


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_long_line_is_split_and_nothing_lost(end: bytes) -> None:
    text = "".join(f"{number:07}" for number in range(50_000)).encode()
    lines = copied(*(text[start : start + 3333] for start in range(0, len(text), 3333)), end)
    assert "".join(lines).encode() == text
    assert max(map(len, lines)) <= LONGEST


def test_line_without_an_end_is_not_waited_for() -> None:
    async def copy() -> int:
        log, stream = Log(), asyncio.StreamReader()
        copying = asyncio.create_task(log.copy(stream, "web.1"))
        stream.feed_data(b"x" * 3 * LONGEST)
        await asyncio.sleep(0.01)
        copying.cancel()
        return len(log.last(HISTORY, every))

    assert asyncio.run(copy()) == 3


def test_line_looks_like_herokus() -> None:
    log = Log()
    log.add("heroku", "worker.1", "State changed from starting to up")
    shown = str(log.last(1, every)[0])
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 heroku\[worker\.1\]: State changed from starting to up", shown
    )


def test_the_last_lines_of_those_wanted() -> None:
    log = Log()
    for number in range(HISTORY + 10):
        log.add("app", "web.1" if number % 2 else "worker.1", str(number))

    def of_web(line: Line) -> bool:
        return line.dyno == "web.1"

    assert len(log.last(10 * HISTORY, every)) == HISTORY
    assert [line.text for line in log.last(2, every)] == [str(HISTORY + 8), str(HISTORY + 9)]
    assert [line.text for line in log.last(2, of_web)] == [str(HISTORY + 7), str(HISTORY + 9)]
    assert log.last(0, every) == []


def test_followers_have_the_last_lines_and_all_to_come() -> None:
    async def follow() -> tuple[list[str], list[str]]:
        log = Log()
        for text in ("1", "2", "3"):
            log.add("app", "web.1", text)

        async def texts(count: int, unwanted: str) -> list[str]:
            return [line.text async for line in log.follow(count, lambda line: line.text != unwanted)]

        both = asyncio.gather(texts(2, "none"), texts(0, "5"))
        await asyncio.sleep(0)
        for text in ("4", "5", "6"):
            log.add("app", "web.1", text)
        log.close()
        one, two = await asyncio.wait_for(both, 10)
        return one, two

    assert asyncio.run(follow()) == (["2", "3", "4", "5", "6"], ["4", "6"])


def test_follower_that_leaves_is_forgotten() -> None:
    async def leave() -> int:
        log = Log()
        log.add("app", "web.1", "1")
        lines = log.follow(1, every)
        await anext(lines)
        await lines.aclose()
        return len(log._followers)

    assert asyncio.run(leave()) == 0
