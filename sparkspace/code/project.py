"""The user's project: the code that is imported here, and what of it has changed."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from . import roots
from .parcel import Version
from .pushed import Pushed
from .roots import Root
from .tree import Tree, Watch

ASK_EVERY_S = 0.1  # a class server: each use of a DataFrame is a look
_PUSHED = 1_000_000  # the place of what was pushed, wherever its folder is


class Project:
    """Looks at the user's packages and modules. One that is ``frozen`` is looked at once."""

    def __init__(self, extra: Iterable[str] = (), frozen: bool = False, pushed: Pushed | None = None) -> None:
        self.extra = set(extra)
        self.frozen = frozen
        self.pushed = pushed
        self._tops: frozenset[str] = frozenset()
        self._places: dict[Path, int] = {}
        self._watches: dict[tuple[Path, str], Watch] = {}
        self._trees: dict[tuple[Path, str], Tree] = {}
        self._pushed: list[Tree] = []
        self._folder: Path | None = None
        self._ask_again_at = 0.0
        self._version = Version(())

    def look(self, again: bool = False) -> Version:
        """The code as it is now: the same ``Version`` as before if nothing has changed.

        ``again``: look at what is frozen, too.

        Raises:
            Moved: files change faster than they can be read.
        """
        changed = self._look_at_pushed()
        if self._look(again) or self._has_new_modules() or changed:
            self._find()
            self._look()
            self._version = Version(tuple(self._shown()))
        return self._version

    def _shown(self) -> Iterator[tuple[int, Tree]]:
        """What was pushed, and of the rest the packages and modules that were not."""
        hidden = frozenset(tree.root.units for tree in self._pushed)
        for tree in self._pushed:
            yield _PUSHED, tree
        for (path, unit), tree in sorted(self._trees.items()):
            if not any(unit in units for units in hidden):
                yield self._places[path], tree

    def _look_at_pushed(self) -> bool:
        """Take over what a laptop has pushed to this session. Returns whether that is something new."""
        if self.pushed is None or time.monotonic() < self._ask_again_at:
            return False
        folder = self.pushed.look()
        self._ask_again_at = time.monotonic() + ASK_EVERY_S
        if folder is None or folder == self._folder:
            return False
        self._folder = folder
        units = frozenset(roots.packages(folder))
        self._pushed = [Watch(Root(folder, units)).look()] if units else []
        return True

    def want(self, names: Iterable[str]) -> bool:
        """Take packages or modules that some function imports only when it runs. Returns whether one is new."""
        new = {name for name in names if name not in self.extra and name not in self._version.units}
        new = {name for name in new if any(roots.located(name))}
        self.extra |= new
        self._tops = frozenset() if new else self._tops
        return bool(new)

    @property
    def seen(self) -> str:
        """The name of the version that was looked at last, also if it could not be taken over."""
        return self._version.digest

    @property
    def roots(self) -> Mapping[Path, frozenset[str]]:
        """Folder → the names below it that are shipped."""
        found: dict[Path, frozenset[str]] = {}
        for _, tree in self._version.trees:
            found[tree.root.path] = found.get(tree.root.path, frozenset()) | tree.root.units
        return found

    def _has_new_modules(self) -> bool:
        tops = frozenset(name for name in sys.modules if "." not in name)
        if tops == self._tops:
            return False
        self._tops = tops
        return True

    def _find(self) -> None:
        for root in roots.find(sys.modules, self.extra):
            self._places.setdefault(root.path, len(self._places))
            for unit in root.units:
                key = (root.path, unit)
                if key not in self._watches:
                    self._watches[key] = Watch(Root(root.path, frozenset({unit})))

    def _look(self, again: bool = False) -> bool:
        """Look at every unit. Returns whether one has changed."""
        changed = False
        for key, watch in self._watches.items():
            if self.frozen and not again and key in self._trees:
                continue
            tree = watch.look()
            changed |= tree is not self._trees.get(key)
            self._trees[key] = tree
        return changed


def reasons(version: Version) -> dict[str, str]:
    """Name → why a worker looks for it in vain: what the code imports and is not shipped, and what lies beside it."""
    found = dict(ignored(version))
    for _, tree in version.trees:
        for name in roots.packages(tree.root.path):
            if name not in version.units and not name.startswith("."):
                found[name] = (
                    f"It is in {tree.root.path} on the driver, and was not shipped, because nothing that was imported "
                    f"names it. Ship it: sparkspace.session(ship=[{name!r}])"
                )
        for unit in tree.root.units:
            for name in roots.imported_below(tree.root.path, unit):
                if name not in version.units and name not in found and name not in roots.NOT_THE_USERS:
                    found[name] = _reason(name)
    return found


def ignored(version: Version) -> Iterator[tuple[str, str]]:
    """What is imported here from a shipped package, and named by ``.gitignore``."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.partition(".")[0] in version.units and name not in version.modules and file.endswith(".py"):
            yield name, f"{file} was not shipped: .gitignore names it. Except it there: !{Path(file).name}"


def _reason(name: str) -> str:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return "The driver has none either."
    where = spec.origin or next(iter(spec.submodule_search_locations or ()), "?")
    return f"On the driver it is installed, in {Path(where).parent}: install it on the cluster, too (requirements.txt)."
