"""The Spark that the tests of this folder run on went without all families. Of another they would prove nothing."""

from __future__ import annotations

import platform
import zipfile
from pathlib import Path

from buildpack import families, natives

from . import pruned

CURE = "Spark was installed with SPARKSPACE_KEEP. Install it without: env --unset SPARKSPACE_KEEP scripts/setup"


def test_no_family_is_left() -> None:
    files = [path.relative_to(pruned.HOME).as_posix() for path in pruned.HOME.rglob("*") if path.is_file()]
    left = {family.name: [file for file in files if family.has(file)] for family in families.table()}
    assert not {name: found for name, found in left.items() if found}, CURE


def test_no_native_library_of_another_machine_is_left() -> None:
    jars = list((pruned.HOME / "jars").rglob("*.jar"))
    foreign = {jar.name for jar in jars if any(natives.is_foreign(name, platform.machine()) for name in names(jar))}
    assert jars and not foreign, CURE


def names(jar: Path) -> list[str]:
    with zipfile.ZipFile(jar) as zip:
        return zip.namelist()
