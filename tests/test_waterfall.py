"""A start as text, as an SVG and as JSON: phases in, bars out."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from sparkspace.cluster import waterfall
from sparkspace.cluster.waterfall import LEFT, RIGHT, WIDTH, Phase, Waterfall, steps, ticks

ROOM = WIDTH - LEFT - RIGHT
SVG = "{http://www.w3.org/2000/svg}"
START = Waterfall(
    (
        Phase("master", "launcher", 0.0, 1.0),
        Phase("master", "ALIVE", 1.0, 4.0),
        Phase("driver", "up", 4.0, 9.5),
        Phase("executor", "up", 9.0, 10.0),
    ),
    "/app/archives",
)
TEXT = """\
                              from     to   took  0            10.00 s
master    launcher            0.00   1.00   1.00  ██
          ALIVE               1.00   4.00   3.00    ██████
driver    up                  4.00   9.50   5.50          ███████████
executor  up                  9.00  10.00   1.00                    ██

10.00 s from nothing to the first result.
Longest: driver: up (5.50 s), master: ALIVE (3.00 s), master: launcher (1.00 s).
Class-data archive: /app/archives."""


def bars(svg: str) -> list[tuple[float, float]]:
    """Begin and width of each bar, in the picture's units: the first rectangle is the ground."""
    found = ElementTree.fromstring(svg).findall(f"{SVG}rect")[1:]
    return [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in found]


def test_text() -> None:
    assert waterfall.as_text(START, 71) == TEXT


def test_text_says_what_to_do_without_an_archive() -> None:
    last = waterfall.as_text(Waterfall(START.phases, ""), 80).splitlines()[-1]
    assert last.startswith("Class-data archive: none that fits this Java: a box that is open makes it")


@pytest.mark.parametrize("columns", [0, 1, 40, 71, 80, 200])
def test_bars_fill_the_terminal_and_no_more(columns: int) -> None:
    lines = waterfall.as_text(START, columns).splitlines()[: len(START.phases) + 1]
    least = len("executor  first task sent     0.00   0.00   0.00  ") + waterfall.LEAST_BAR
    assert max(map(len, lines)) == max(columns - 1, least)
    assert all("█" in line for line in lines[1:])


def test_svg_has_each_bar_at_its_place() -> None:
    expected = [(LEFT + phase.begin_s / 10 * ROOM, phase.took_s / 10 * ROOM) for phase in START.phases]
    found = bars(waterfall.as_svg(START))
    assert [pytest.approx(each, abs=0.06) for each in expected] == found


def test_svg_is_told_to_those_who_do_not_see_it() -> None:
    svg = ElementTree.fromstring(waterfall.as_svg(START))
    named = [svg.find(f"{SVG}*[@id='{name}']") for name in svg.attrib["aria-labelledby"].split()]
    assert [each.tag for each in named if each is not None] == [f"{SVG}title", f"{SVG}desc"]
    assert svg.attrib["role"] == "img"
    assert "10.00 s from nothing" in (svg.findtext(f"{SVG}desc") or "")
    assert "prefers-color-scheme: dark" in (svg.findtext(f"{SVG}style") or "")


def test_svg_has_an_axis_of_seconds_at_the_places_of_the_bars() -> None:
    svg = ElementTree.fromstring(waterfall.as_svg(START))
    lines = [float(line.attrib["x1"]) for line in svg.findall(f"{SVG}line")]
    assert lines == pytest.approx([LEFT + second / 10 * ROOM for second in range(11)], abs=0.06)
    words = [text.text for text in svg.findall(f"{SVG}text[@text-anchor='middle']")]
    assert words == [f"{second} s" for second in range(11)]


def test_svg_fits_into_its_picture() -> None:
    svg = ElementTree.fromstring(waterfall.as_svg(START))
    _, _, width, height = map(int, svg.attrib["viewBox"].split())
    for each in svg.iter():
        assert float(each.attrib.get("x", 0)) <= width - 30 or each.tag == f"{SVG}line"
        assert float(each.attrib.get("y", 0)) <= height


def test_what_stands_in_an_svg_can_be_anything() -> None:
    odd = Waterfall((Phase("master", '<&"> ]]>', 0.0, 1.0),), "/a <b>&c")
    svg = ElementTree.fromstring(waterfall.as_svg(odd))
    assert '<&"> ]]>' in [text.text for text in svg.findall(f"{SVG}text")]
    assert "/a <b>&c" in (svg.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize(
    "phases",
    [(), (Phase("master", "launcher", 0.0, 0.0),), (Phase("master", "launcher", 0.0, 0.004),)],
    ids=["none", "no time", "hardly any"],
)
def test_odd_starts_are_shown_too(phases: tuple[Phase, ...]) -> None:
    odd = Waterfall(phases, "")
    text = waterfall.as_text(odd, 80)
    assert text.count("█") >= len(phases)
    assert len(bars(waterfall.as_svg(odd))) == len(phases)
    assert waterfall.parse(waterfall.as_json(odd)) == odd


def test_a_phase_of_no_length_is_seen() -> None:
    found = waterfall.as_text(Waterfall((Phase("a", "b", 0.0, 5.0), Phase("a", "c", 5.0, 5.0)), ""), 80)
    assert found.splitlines()[2].endswith(" █") and len(found.splitlines()[2]) == 79
    assert bars(waterfall.as_svg(Waterfall((Phase("a", "b", 0, 5), Phase("a", "c", 5, 5)), "")))[1][1] == 1


def test_json() -> None:
    assert waterfall.parse(waterfall.as_json(START)) == START
    assert json.loads(waterfall.as_json(START))["phases"][1] == {
        "of": "master", "name": "ALIVE", "begin_s": 1.0, "end_s": 4.0,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"phases": [{"of": "master"}], "archive": ""}', '{"phases": 1}'])
def test_what_is_no_waterfall_is_refused(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        waterfall.parse(text)


def test_steps_follow_each_other() -> None:
    assert steps("master", 1.0, ("launcher", 1.5), ("JVM", 3.0)) == [
        Phase("master", "launcher", 1.0, 1.5),
        Phase("master", "JVM", 1.5, 3.0),
    ]


def test_a_step_is_never_before_its_cause() -> None:
    """Java's clock stands up to a millisecond behind Python's."""
    found = steps("job", 1.0, ("sent", 1.0), ("runs", 2.0005), ("told", 2.0), ("result", 2.1))
    assert found == [Phase("job", "runs", 1.0, 2.0005), Phase("job", "result", 2.0005, 2.1)]


@pytest.mark.parametrize(
    ("total_s", "expected"),
    [
        (0.0, [0]),
        (0.5, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]),
        (7.3, [0, 1, 2, 3, 4, 5, 6, 7]),
        (10.0, list(range(11))),
        (10.1, [0, 2, 4, 6, 8, 10]),
        (37.7, [0, 5, 10, 15, 20, 25, 30, 35]),
        (99.0, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]),
    ],
)
def test_ticks_are_round(total_s: float, expected: list[float]) -> None:
    assert ticks(total_s) == pytest.approx(expected)
