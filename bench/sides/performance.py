"""docs/performance.md and its pictures, out of the kept results and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

from . import ROOT, pictures, result
from .result import Result

BENCH = ROOT / "bench"
DOCS = ROOT / "docs"
INTRODUCTION = """\
# Performance

<!-- Written by bench/run --write out of bench/results/*.json: change those, or what wrote them. -->

What was measured, by which command, on what, and what limits each number. `bench/run` measures it again, writes this
page, and keeps the numbers of each run in [bench/results](../bench/results); `bench/run --quick` is a look that takes
less than five minutes and keeps nothing.

The sides of a benchmark alternate in one run, after a warm-up that does not count, so that other load on the machine
falls on all of them. Bars are medians, with the least and the most; *ours ÷ it* is the ratio of the medians. An aim is
for ours ÷ the second side, or for the median where there is no other side. A benchmark that has not been run has no
section here.
"""


def write(results: Path = result.RESULTS, docs: Path = DOCS) -> None:
    """Write the page, and a picture for each result."""
    found = kept(results)
    (docs / "performance.md").write_text(page(found))
    for each in found:
        pictures.draw(each, docs / picture(each))


def kept(results: Path = result.RESULTS) -> list[Result]:
    """What is kept, by name."""
    return [result.load(path) for path in sorted(results.glob("*.json"))]


def page(found: list[Result]) -> str:
    """The page."""
    return "\n".join([INTRODUCTION, *map(section, found)])


def section(found: Result) -> str:
    """One benchmark's part of the page."""
    title, words = docstring(BENCH / f"{found.name}.py")
    limits = dict.fromkeys(f"* **{row.what}**, {row.unit}: {row.limit}" for row in found.rows)
    return "\n".join(
        [f"## {found.name}: {title}", "", words, "", f"`{found.command}`, {found.date}: {found.machine}.", "",
         result.table(found.rows), "", f"![{title}]({picture(found)})", "", "What limits them:", "", *limits, ""]
    )  # fmt: skip


def picture(found: Result) -> Path:
    """Where its picture is, seen from the page."""
    return Path("pictures", f"{found.name}.svg")


def docstring(path: Path) -> tuple[str, str]:
    """The title of a benchmark, without its dot, and what else its docstring says."""
    title, _, words = (ast.get_docstring(ast.parse(path.read_text())) or "").replace("``", "`").partition("\n")
    return title.rstrip("."), words.strip()
