"""The diagram: its texts, and the picture that Graphviz draws."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sparkspace.code import memo
from sparkspace.errors import LaunchError

from .flows import Project

pytestmark = pytest.mark.spark
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


def test_the_diagram(project: Project) -> None:
    flow = project.load()
    flow.raw.result()
    graph = memo.graph(flow.counted)
    lines = graph.mermaid().splitlines()
    assert lines[:4] == [
        "flowchart LR",
        '    m0["flow.raw<br/>read"]:::read',
        '    m1["flow.tidied<br/>runs"]:::run',
        '    m2["flow.counted<br/>runs"]:::run',
    ]
    assert lines[4:6] == ["    m0 --> m1", "    m1 --> m2"]
    assert all(re.fullmatch(r"    classDef \w+ fill:#\w{6},color:#000", line) for line in lines[6:])
    assert 'm0 [label="flow.raw\\nread", tooltip="nothing has changed since ' in graph.dot()
    assert "    m0 -> m1;\n    m1 -> m2;\n}" in graph.dot()


@pytest.mark.parametrize(
    ("name", "mermaid", "dot"),
    [
        ('a"b', "a#34;b", 'a\\"b'),
        ("a\\b", "a#92;b", "a\\\\b"),
        ("<script>", "#60;script#62;", "<script>"),
        ("f.<locals>.g", "f.#60;locals#62;.g", "f.<locals>.g"),
        ("end;]", "end#59;#93;", "end;]"),
        ("é", "é", "é"),
    ],
)
def test_names_are_escaped(project: Project, name: str, mermaid: str, dot: str) -> None:
    flow = project.load()
    flow.raw.name = name
    graph = memo.graph(flow.raw)
    assert f'["{mermaid}<br/>' in graph.mermaid()
    assert f'label="{dot}\\n' in graph.dot()


def test_the_picture(project: Project) -> None:
    """Drawn for real: a box for each module, which says in words and by its colour what becomes of it."""
    flow = project.load()
    flow.raw.result()
    graph = memo.graph(flow.counted)
    shown = graph._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/svg+xml"}
    picture = ElementTree.fromstring(shown["image/svg+xml"])
    boxes = [box(node) for node in picture.iter(f"{SVG}g") if node.get("class") == "node"]
    assert boxes == [
        (["flow.raw", "read"], "#d9ead3", memo.plan(flow.raw)[flow.raw].reasons[0]),
        (["flow.tidied", "runs"], "#f4cccc", "never run, or its result was removed"),
        (["flow.counted", "runs"], "#f4cccc", "never run"),
    ]
    edges = [node.findtext(f"{SVG}title") for node in picture.iter(f"{SVG}g") if node.get("class") == "edge"]
    assert edges == ["m0->m1", "m1->m2"]


def box(node: ElementTree.Element) -> tuple[list[str | None], str | None, str | None]:
    """Lines, colour, and what is shown when the mouse is on it."""
    shape, tip = next(node.iter(f"{SVG}polygon")), next(node.iter(f"{SVG}a"))
    return [line.text for line in node.iter(f"{SVG}text")], shape.get("fill"), tip.get(f"{XLINK}title")


def test_a_name_is_drawn_as_it_is(project: Project) -> None:
    """Quotes, backslashes and entities too: dot reads HTML's in a label."""
    flow = project.load()
    flow.raw.name = 'a"b\\n<c> &amp; é'
    assert flow.raw.name in ElementTree.fromstring(memo.graph(flow.raw).svg()).itertext()


def test_a_picture_needs_its_program(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph = memo.graph(project.load().counted)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchError) as caught:
        graph.svg()
    assert caught.value.lines() == [
        "The picture is drawn by the program dot, which is not here.",
        "Install the system's package graphviz, or take the text: .mermaid(), .dot().",
    ]
    assert set(graph._repr_mimebundle_()) == {"text/plain", "text/vnd.mermaid"}
