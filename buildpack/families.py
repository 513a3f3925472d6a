"""What of Spark a slug does without: the families of ``families.json``, each with its reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .errors import BuildError

TABLE = Path(__file__).parent / "families.json"


@dataclass(frozen=True)
class Family:
    """Files that belong together. ``mb``: what they weigh in the newest Spark, compressed, in millions of bytes."""

    name: str
    mb: float
    files: tuple[str, ...]
    reason: str
    lost: str
    natives: bool = False

    def has(self, path: str) -> bool:
        """Whether a file, named from ``SPARK_HOME``, is one of the family's. A ``*`` reaches into folders."""
        return any(fnmatchcase(path, pattern) for pattern in self.files)


def table() -> list[Family]:
    """All families."""
    return [Family(**{**row, "files": tuple(row["files"])}) for row in json.loads(TABLE.read_text())]


def unwanted(keep: str) -> list[Family]:
    """All families but those that the app keeps.

    Args:
        keep: ``SPARKSPACE_KEEP``: names with commas or blanks between, or ``all``.

    Raises:
        BuildError: there is no family of that name.
    """
    families = table()
    kept = set(keep.replace(",", " ").split())
    wrong = kept - {family.name for family in families} - {"all"}
    if wrong:
        names = ", ".join(family.name for family in families)
        raise BuildError(
            f"SPARKSPACE_KEEP names {', '.join(sorted(wrong))}, and there is no such family.",
            f"There are: {names}, and all. Set it with: heroku config:set SPARKSPACE_KEEP=kubernetes",
        )
    return [] if "all" in kept else [family for family in families if family.name not in kept]


def in_vain(keep: str) -> list[str]:
    """A line for each family that ``SPARKSPACE_KEEP`` names and that nothing leaves out."""
    named = set(keep.replace(",", " ").split())
    idle = [family.name for family in table() if family.name in named and not family.files]
    return [f"SPARKSPACE_KEEP names {name}, which every build has: without it, it is the same." for name in idle]
