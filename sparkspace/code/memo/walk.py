"""Everything of the project that a function reaches, followed from the live objects: what they are is what will run.

Each function, class and global value becomes a leaf; a leaf's digest has the names that it looks up and, for each, the
name of the leaf it finds there. So the leaves together say the same as the objects do.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

from . import classes, functions, origin, packages, values
from .leaf import Leaf, digest
from .look import Look, Shared


class Walk:
    """All looks that start from one function."""

    def __init__(self, shared: Shared) -> None:
        self.looks: list[Look] = []
        self._shared = shared
        self._look = Look("")
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}
        self._values: set[str] = set()
        self._waiting: deque[tuple[Any, str, Callable[[Walk, Any, str], None]]] = deque()

    def start(self, function: FunctionType) -> None:
        """Follow ``function`` to the end."""
        self.name(function)
        while self._waiting:
            thing, name, look = self._waiting.popleft()
            known = self._shared.get((name, id(thing)))
            if known is None or not self._meets(known):
                known = self._look = Look(name)
                look(self, thing, name)
                self._shared[name, id(thing)] = known
            self.looks.append(known)

    def _meets(self, known: Look) -> bool:
        """Give names as an earlier look did; False if one comes out otherwise here, and so would its leaf."""
        self._look = Look("")
        for thing, name, is_value in known.met:
            if is_value:
                self.value(thing, name)
            elif self.name(thing) != name:
                return False
        return True

    @property
    def leaves(self) -> list[Leaf]:
        """All leaves, each once."""
        return list({leaf[:2]: leaf for look in self.looks for leaf in look.leaves}.values())

    def doubts(self, kind: str) -> list[str]:
        """All of ``whole``, ``fresh`` or ``environment``."""
        return [each for look in self.looks for each in getattr(look, kind)]

    def doubt(self, kind: str, where: str) -> None:
        """Note something that makes the leaves unsure."""
        getattr(self._look, kind).append(where)

    def add(self, kind: str, name: str, content: str, note: str = "") -> None:
        """Note a leaf."""
        self._look.leaves.append(Leaf(kind, name, content, note))

    def depend(self, leaves: Iterable[Leaf]) -> None:
        """Note leaves that are made elsewhere."""
        self._look.leaves += leaves

    def enter(self, module: ModuleType, names: frozenset[str]) -> bool:
        """Whether this look comes to a module for the first time, with these names to look up."""
        known = self._look.modules
        is_new = (id(module), names) not in known
        known.add((id(module), names))
        return is_new

    def name(self, thing: Any) -> str:  # noqa: ANN401
        """The name of a function's or class's leaf. At the first call it is queued to be looked at."""
        name = self._names.get(id(thing))
        if name is None:
            plain = f"{origin.home(thing.__module__ or '')}.{thing.__qualname__}"
            count = self._taken[plain] = self._taken.get(plain, 0) + 1
            name = plain if count == 1 else f"{plain}#{count}"  # two closures of one function, say
            self._names[id(thing)] = name
            self._waiting.append((thing, name, classes.look if isinstance(thing, type) else functions.look))
        self._look.met.append((thing, name, False))
        return name

    def value(self, thing: Any, name: str) -> str:  # noqa: ANN401
        """The name of a global value's leaf, which is queued likewise."""
        if name not in self._values:
            self._values.add(name)
            self._waiting.append((thing, name, _look_at_value))
        self._look.met.append((thing, name, True))
        return name

    def code(self, thing: FunctionType | type, hands_on: bool = True) -> str:
        """A word for a function or class, wherever it comes from. ``hands_on``: somebody may read its type hints."""
        where = origin.of_class(thing) if isinstance(thing, type) else origin.of_function(thing)
        plain = f"{thing.__module__}.{thing.__qualname__}"
        if isinstance(thing, type) and where != origin.PROJECT:
            return self.installed(thing.__module__, plain)
        if where == origin.PROJECT:
            if hands_on and isinstance(thing, FunctionType):
                self.add("hints", self.name(thing), digest(classes.hints(self, thing)))
            return self.name(thing)
        word = self.installed(str(thing.__globals__.get("__name__")), plain)  # type: ignore[union-attr]
        # A decorator of theirs around something of ours.
        inner = [values.word(self, cell) for cell in functions.wrapped(thing)]  # type: ignore[arg-type]
        return f"{word}({','.join(inner)})"

    def installed(self, module: str, name: str) -> str:
        """A word for something of Python's or of a package, whose version becomes a leaf."""
        found = sys.modules.get(module)
        if found is not None and origin.of_module(module, vars(found)) == origin.PACKAGE:
            self.depend(packages.leaves(module))
        return name


def _look_at_value(walk: Walk, thing: Any, name: str) -> None:  # noqa: ANN401
    walk.add("value", name, digest(values.word(walk, thing, name)))
