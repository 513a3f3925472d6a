"""Recompute on change: modules, whose data are read when nothing they depend on has changed, and made anew when it has.

``module`` declares one, ``run`` gives its data, ``plan`` and ``why`` say what would run and why, ``graph`` draws it,
``clean`` makes room. docs/modules.md is the manual.
"""

from __future__ import annotations

from .decide import plan
from .diagram import Graph, graph
from .execution import run
from .modules import Module, module
from .reasons import changes
from .room import Cleaned, clean
from .step import Plan, Step

__all__ = ["Cleaned", "Graph", "Module", "Plan", "Step", "changes", "clean", "graph", "module", "plan", "run", "why"]


def why(module: Module) -> str:
    """Why a module would run, or that it would not: a sentence that names what has changed."""
    return module.why()
