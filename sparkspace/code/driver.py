"""The user's code in this process: one, whatever Spark contexts come and go."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from . import closures, migrate, pickling
from .parcel import Version
from .reload import Modules


class Driver:
    """The modules that are imported here, and what of the program still holds earlier ones."""

    def __init__(self) -> None:
        self.modules = Modules()
        self.formers = pickling.Formers()
        self.closures = closures.Closures()
        self.imported: dict[str, tuple[str, str]] = {}
        self._begun = False

    @property
    def version(self) -> Version:
        """What runs here."""
        return self.modules.version

    def begin(self) -> None:
        """From now on see to what is imported."""
        self.modules.begin(self.version)

    def become(self, version: Version, names: dict[str, Any]) -> tuple[bool, int]:
        """Run another version. Returns whether it only adds to the one before, and how many modules were replaced.

        ``names``: what a shell's lines are run in.

        Raises:
            EditFailed, Moved: it can't be imported, or has changed again. Everything is as it was.
        """
        if not self._begun:
            self.modules.doubt(version)
        added = only_added(self.version, version) and not self.modules.has_others(version)
        if added:
            self.modules.begin(version)
            self._begun = True
            return True, 0
        before = dict(self.modules.codes)
        replaced = self.modules.become(version)
        self._begun = True
        self._bring_over(before, replaced, names)
        return False, len(replaced)

    def _bring_over(
        self,
        before: Mapping[str, Any],
        replaced: Mapping[str, tuple[ModuleType, ModuleType | None]],
        names: dict[str, Any],
    ) -> None:
        for name, (old, new) in replaced.items():
            was = closures.tree(before[name]) if name in before else closures.tree_of(old)
            self.closures.follow(name, was, closures.tree(self.modules.codes[name]) if new else {})
            self.formers.remember(old)
        migrate.migrate(replaced, self.formers, names, self.imported)
        self.closures.bring_over()


def only_added(before: Version, after: Version) -> bool:
    """Whether nothing that was there before has changed or gone: then nothing has to be imported anew."""
    return before.units < after.units and before.files.items() <= after.files.items()


DRIVER = Driver()
