"""A start as a waterfall: phases that follow each other or overlap, as text, as an SVG, as JSON. Nothing here acts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from xml.etree import ElementTree

LEAST_BAR = 10  # columns: on a narrower terminal lines break, which is better than no bars
LONGEST = 3
WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 860, 190, 60, 56, 22, 14  # of the SVG, in its units
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .faint { fill: #57606a } .title { font-weight: bold }
line { stroke: #d0d7de } .master { fill: #0969da } .worker { fill: #1a7f37 } .driver { fill: #8250df }
.executor { fill: #bc4c00 } .job { fill: #bf3989 } .ground { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .faint { fill: #9198a1 } line { stroke: #3d444d } .master { fill: #58a6ff }
.worker { fill: #3fb950 } .driver { fill: #bc8cff } .executor { fill: #f0883e } .job { fill: #f778ba }
.ground { fill: #0d1117 } }
"""


@dataclass(frozen=True)
class Phase:
    """What one of the processes did, from when to when: seconds since the beginning of all."""

    of: str  # master, worker, driver, executor, job
    name: str
    begin_s: float
    end_s: float

    @property
    def took_s(self) -> float:
        """Its length."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Waterfall:
    """A start, phase by phase, and the one thing that changes all of them: where its class-data archive was."""

    phases: tuple[Phase, ...]
    archive: str  # the folder; empty: there was none that fits

    @property
    def total_s(self) -> float:
        """Until the last has ended."""
        return max((phase.end_s for phase in self.phases), default=0.0)

    @property
    def longest(self) -> list[Phase]:
        """Where the time went: the longest phases first."""
        return sorted(self.phases, key=lambda phase: -phase.took_s)[:LONGEST]


def steps(of: str, begun: float, *ends: tuple[str, float]) -> list[Phase]:
    """Phases that follow each other: each begins when the one before it has ended.

    Java's clock has milliseconds and Python's has more, so a thing may seem to be before its cause: it is not. What
    took no time at all was seen together with what follows, and is left out.
    """
    found = []
    for name, end in ends:
        if end > begun:
            found.append(Phase(of, name, begun, end))
            begun = end
    return found


def as_json(waterfall: Waterfall) -> str:
    """For programs, and for the process beside a box: what ``parse`` reads."""
    return json.dumps({"phases": [asdict(phase) for phase in waterfall.phases], "archive": waterfall.archive})


def parse(text: str) -> Waterfall:
    """What ``as_json`` has written.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    page = json.loads(text)
    return Waterfall(tuple(Phase(**phase) for phase in page["phases"]), page["archive"])


def as_text(waterfall: Waterfall, columns: int) -> str:
    """A line for each phase, with its bar, and what the sum of it is."""
    head = f"{'':<9} {'':<17} {'from':>6} {'to':>6} {'took':>6}  "
    room = max(columns - len(head) - 1, LEAST_BAR)
    lines = [f"{head}0{f'{waterfall.total_s:.2f} s':>{room - 1}}"]
    before = ""
    for phase in waterfall.phases:
        of = "" if phase.of == before else phase.of
        times = " ".join(f"{value:6.2f}" for value in (phase.begin_s, phase.end_s, phase.took_s))
        lines.append(f"{of:<9} {phase.name:<17} {times}  {_bar(phase, waterfall.total_s, room)}")
        before = phase.of
    return "\n".join([*lines, "", *summary(waterfall)])


def summary(waterfall: Waterfall) -> list[str]:
    """What it took, what took longest, and whether Java began with Spark's classes ready."""
    most = ", ".join(f"{each.of}: {each.name} ({each.took_s:.2f} s)" for each in waterfall.longest)
    without = "none that fits this Java: a box that is open makes it, on Heroku the build"
    return [
        f"{waterfall.total_s:.2f} s from nothing to the first result.",
        f"Longest: {most}.",
        f"Class-data archive: {waterfall.archive or without}.",
    ]


def _bar(phase: Phase, total_s: float, room: int) -> str:
    """At its place, and at least a column long."""
    scale = room / total_s if total_s else 0.0
    begin = min(int(phase.begin_s * scale), room - 1)
    return " " * begin + "█" * max(round(phase.end_s * scale) - begin, 1)


def as_svg(waterfall: Waterfall) -> str:
    """A picture of the same, which takes on the reader's light or dark."""
    total_s, bottom = waterfall.total_s, TOP + ROW * len(waterfall.phases)
    svg = _picture(bottom + ROW * (len(summary(waterfall)) + 1), "\n".join(summary(waterfall)))
    for second in ticks(total_s):
        x = f"{_x(second, total_s):.1f}"
        _add(svg, "line", x1=x, x2=x, y1=TOP - 6, y2=bottom)
        _add(svg, "text", f"{second:g} s", x=x, y=TOP - 12, text_anchor="middle", class_="faint")
    for number, phase in enumerate(waterfall.phases):
        _draw(svg, phase, total_s, TOP + ROW * number)
    for number, line in enumerate(summary(waterfall)):
        _add(svg, "text", line, x=12, y=bottom + ROW * (number + 1), class_="faint")
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _picture(height: int, description: str) -> ElementTree.Element:
    svg = ElementTree.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH)},
        role="img",
    )
    svg.set("aria-labelledby", "title desc")
    _add(svg, "title", "A start of Spark, from nothing to the first result", id="title")
    _add(svg, "desc", description, id="desc")
    _add(svg, "style", STYLE)
    _add(svg, "rect", width=WIDTH, height=height, class_="ground")
    _add(svg, "text", "A start of Spark", x=12, y=22, class_="title")
    return svg


def _draw(svg: ElementTree.Element, phase: Phase, total_s: float, y: int) -> None:
    """A row: whose, what, its bar, and its length, on the side of the bar that has room."""
    begin, end, middle = _x(phase.begin_s, total_s), _x(phase.end_s, total_s), y + BAR - 3
    _add(svg, "text", phase.of, x=12, y=middle, class_="faint")
    _add(svg, "text", phase.name, x=78, y=middle)
    bar = _add(svg, "rect", x=f"{begin:.1f}", y=y, width=f"{max(end - begin, 1):.1f}", height=BAR, class_=phase.of)
    _add(bar, "title", f"{phase.of}: {phase.name}, {phase.begin_s:.2f} to {phase.end_s:.2f} s")
    _add(svg, "text", f"{phase.took_s:.2f} s", x=f"{end + 6:.1f}", y=middle)


def _x(second: float, total_s: float) -> float:
    return LEFT + (second / total_s if total_s else 0.0) * (WIDTH - LEFT - RIGHT)


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: object) -> ElementTree.Element:
    """A child. ``class_`` and ``text_anchor`` are the attributes ``class`` and ``text-anchor``."""
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    child = ElementTree.SubElement(parent, tag, {names[name]: str(value) for name, value in attributes.items()})
    child.text = text or None
    return child


def ticks(total_s: float, most: int = 10) -> Sequence[float]:
    """Round seconds from 0 on, at most so many and one: 1, 2 or 5 of a power of ten apart."""
    if total_s <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(total_s / most))
    apart = next(power * each for each in (1, 2, 5, 10) if power * each * most >= total_s)
    return [number * apart for number in range(int(total_s / apart + 1e-9) + 1)]
