"""The modules as a diagram, with what would run: for Mermaid, for Graphviz, or drawn by Graphviz."""

from __future__ import annotations

import html
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from ...errors import LaunchError
from .decide import plan
from .modules import Module
from .step import MAYBE, READ, RUN, Plan

_LABEL = {READ: "read", RUN: "runs", MAYBE: "may run"}
_COLOUR = {READ: "#d9ead3", RUN: "#f4cccc", MAYBE: "#fff2cc"}
DRAWN_WITHIN_S = 60


@dataclass(frozen=True)
class Graph:
    """A diagram of a plan. In a notebook it shows itself."""

    plan: Plan

    def mermaid(self) -> str:
        """Text for Mermaid: GitHub, GitLab and notebooks draw it."""
        lines = ["flowchart LR"]
        for at, step in enumerate(self.plan):
            lines.append(f'    m{at}["{_entities(step.module.name)}<br/>{_LABEL[step.state]}"]:::{step.state}')
        lines += [f"    m{parent} --> m{child}" for parent, child in self._edges()]
        lines += [f"    classDef {state} fill:{colour},color:#000" for state, colour in _COLOUR.items()]
        return "\n".join(lines) + "\n"

    def dot(self) -> str:
        """Text for Graphviz."""
        lines = ["digraph modules {", "    rankdir=LR;", "    node [shape=box, style=filled, fontname=Helvetica];"]
        for at, step in enumerate(self.plan):
            reason = _quoted("; ".join(step.reasons))
            label = _quoted(step.module.name)[:-1] + f'\\n{_LABEL[step.state]}"'
            lines.append(f'    m{at} [label={label}, tooltip={reason}, fillcolor="{_COLOUR[step.state]}"];')
        lines += [f"    m{parent} -> m{child};" for parent, child in self._edges()]
        return "\n".join([*lines, "}"]) + "\n"

    def svg(self) -> str:
        """A picture.

        Raises:
            LaunchError: there is no program ``dot`` here, or it failed, or took too long.
        """
        try:
            drawn = subprocess.run(
                ["dot", "-Tsvg"], input=self.dot(), capture_output=True, text=True, encoding="utf-8",
                timeout=DRAWN_WITHIN_S, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise LaunchError(
                "The picture is drawn by the program dot, which is not here.",
                "Install the system's package graphviz, or take the text: .mermaid(), .dot().",
            ) from None
        except subprocess.TimeoutExpired:
            raise LaunchError(
                f"dot has not drawn this within {DRAWN_WITHIN_S} s.", "Take the text: .mermaid(), .dot()."
            ) from None
        if drawn.returncode:
            raise LaunchError(f"dot failed: {drawn.stderr.strip()}")
        return drawn.stdout

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:  # noqa: ANN401
        """What a notebook shows: the picture, else Mermaid, else text. Given both, JupyterLab takes Mermaid."""
        text = {"text/plain": str(self.plan)}
        try:
            return {**text, "image/svg+xml": self.svg()}
        except LaunchError:
            return {**text, "text/vnd.mermaid": self.mermaid()}

    def _edges(self) -> list[tuple[int, int]]:
        numbers = {step.module.name: at for at, step in enumerate(self.plan)}
        return [
            (numbers[parent.name], at) for at, step in enumerate(self.plan) for parent in step.module.parents.values()
        ]


def graph(*modules: Module) -> Graph:
    """The diagram of modules and all they come from. Errors: see ``plan``."""
    return Graph(plan(*modules))


def _quoted(text: str) -> str:
    """A string of the dot language; there a backslash escapes (graphviz.org/docs/attr-types/escString), and ``&``
    begins an entity of HTML."""
    return '"' + text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _entities(text: str) -> str:
    """Mermaid writes entities of HTML with ``#`` for ``&`` (mermaid.js.org/syntax/flowchart.html)."""
    return re.sub(r"[^\w .\-]", lambda match: f"#{ord(match[0])};", html.unescape(text))
