"""What the slug weighs, by family: for the build log, and for ``bin/report``."""

from __future__ import annotations

from pathlib import Path

from . import versions
from .log import Step, weight
from .versions import Line

# The first pattern that has a file counts it.
SPARK = ".heroku/python/lib/python3.*/site-packages/pyspark"
PATTERNS = {
    "java": ".jdk/**/*",
    "archive": f"{SPARK}/archives/*",
    "spark": f"{SPARK}/**/*",
    "launchers": ".heroku/sparkspace/**/*",
    "python": ".heroku/**/*",
    "app": "**/*",
}


def members(folder: Path, line: Line) -> dict[str, list[Path]]:
    """The files of each family."""
    jars = {jar.file for jar in line.jars}
    counted = {path for path in folder.glob(f"{SPARK}/jars/*.jar") if path.name in jars}
    found = {"s3": sorted(counted)}
    for family, pattern in PATTERNS.items():
        files = {path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()} - counted
        found[family] = sorted(files)
        counted |= files
    return found


def families(folder: Path, line: Line) -> dict[str, int]:
    """Bytes of each family."""
    return {family: sum(map(weight, files)) for family, files in members(folder, line).items()}


def show(folder: Path, line: Line) -> None:
    """Say it in the build log."""
    with Step("What the slug has, before it is compressed") as step:
        for family, size in families(folder, line).items():
            step.detail(f"{size / 1e6:6.1f} MB  {family}")


def main(folder: str, cache: str, env_dir: str) -> None:
    """``bin/report``: YAML on stdout, after a failed build too."""
    line = versions.requested(Path(folder))
    print(f"sparkspace_spark_version: {line.version}")
    for family, size in families(Path(folder), line).items():
        print(f"sparkspace_{family}_mb: {size / 1e6:.1f}")
