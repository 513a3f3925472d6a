"""A picture of a result: a panel for each row, a bar for each side, and a line where the aim is."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

from .result import Result, Row, shown  # noqa: E402

OURS, OTHERS, MET, MISSED = "#4c1d95", "#a8a29e", "#15803d", "#b91c1c"
WIDTH_IN, BAR_IN, PANEL_IN = 8.0, 0.26, 0.62  # of the picture, of each bar, of a panel without its bars
SAME = {  # the same rows give the same file, and text stays text
    "svg.hashsalt": "sparkspace",
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(result: Result, path: Path) -> None:
    """Write the picture, as SVG."""
    heights = [PANEL_IN + BAR_IN * len(row.sides) for row in result.rows]
    with matplotlib.rc_context(SAME):
        figure, panels = pyplot.subplots(
            len(heights), figsize=(WIDTH_IN, sum(heights)), height_ratios=heights, layout="constrained", squeeze=False
        )
        for row, axes in zip(result.rows, panels[:, 0], strict=True):
            panel(row, axes)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def panel(row: Row, axes: Axes) -> None:
    """Medians as bars, extremes as whiskers."""
    medians = [row.median(side) for side in row.sides]
    below = [middle - min(values) for middle, values in zip(medians, row.sides.values(), strict=True)]
    above = [max(values) - middle for middle, values in zip(medians, row.sides.values(), strict=True)]
    colours = [OURS if not number else OTHERS for number in range(len(medians))]
    bars = axes.barh(list(row.sides), medians, xerr=[below, above], color=colours, height=0.7, ecolor="#44403c")
    axes.bar_label(bars, [f" {shown(median)}" for median in medians], padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title(f"{row.what}, {row.unit}".replace("`", ""), loc="left", fontsize=9, parse_math=False)
    if row.target is not None:
        colour = MET if row.met else MISSED
        axes.axvline(row.target, color=colour, linestyle="--", linewidth=1)
        words = f"aim {row.aim}: {'met' if row.met else 'missed'}"
        axes.set_title(words, loc="right", fontsize=9, color=colour, parse_math=False)
    axes.set_xlim(left=0)
