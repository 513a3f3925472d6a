"""Notebooks and shells: the code is looked at before each line, so that no call is needed after an edit."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator
from typing import Any

from .deploy import Deployer

_LINES = ("<stdin>", "<python-input-")  # Python's shells, before and from 3.13 on


class Lines:
    """Watches for the lines that somebody types."""

    def __init__(self) -> None:
        self._deployer: Deployer | None = None
        self._auditing = False

    def follow(self, deployer: Deployer) -> None:
        """Look at the code before each line from now on."""
        self._deployer = deployer
        shell = ipython()
        if shell is not None:
            shell.events.register("pre_run_cell", self._before_cell)
        elif not self._auditing:
            self._auditing = True
            sys.addaudithook(self._before_line)  # Python's own shell has no other hook, and this one stays

    def leave(self) -> None:
        """Look no more."""
        shell = ipython()
        if self._deployer and shell is not None:
            shell.events.unregister("pre_run_cell", self._before_cell)
        self._deployer = None

    def _before_cell(self, info: Any = None) -> None:  # noqa: ANN401  # IPython's ExecutionInfo
        deployer, shell = self._deployer, ipython()
        if deployer is None:
            return
        deployer.refresh()
        deployer.driver.imported.update(imported_by_cell(shell, info))

    def _before_line(self, what: str, args: tuple[Any, ...]) -> None:
        if what != "exec" or self._deployer is None:
            return
        code = args[0]
        if isinstance(code, types.CodeType) and code.co_name == "<module>" and code.co_filename.startswith(_LINES):
            self._deployer.refresh()
            self._deployer.driver.imported.update(imported_by(code))


def ipython() -> Any:  # noqa: ANN401  # IPython may not be there
    """The IPython that runs here; None if none does."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None


def is_interactive() -> bool:
    """Whether somebody types lines."""
    return ipython() is not None or hasattr(sys, "ps1") or bool(sys.flags.interactive)


def imported_by_cell(shell: Any, info: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401  # IPython's
    """``imported_by`` of a notebook's cell, ``info`` an ``ExecutionInfo``; nothing of one that is no Python."""
    try:
        source = shell.transform_cell(info.raw_cell)
        return dict(imported_by(compile(source, "<cell>", "exec", dont_inherit=True)))
    except (AttributeError, SyntaxError, ValueError):
        return {}  # IPython says what is wrong


def imported_by(code: types.CodeType) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name, (module, name in it)) of each ``from module import name`` of some lines."""
    module = attribute = ""
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            module = str(step.argval)
        elif step.opname == "IMPORT_FROM":
            attribute = str(step.argval)
        elif step.opname in ("STORE_NAME", "STORE_GLOBAL") and attribute:
            yield str(step.argval), (module, attribute)
            attribute = ""
        elif step.opname == "IMPORT_STAR" or (step.opname == "CALL_INTRINSIC_1" and "IMPORT_STAR" in step.argrepr):
            yield f"{module}.*", (module, "*")
