"""What a slug weighs, by family, beside the naive build: pyspark as pip installs it, hadoop-aws, and the SDK's bundle.

Builds an empty app with bin/compile, and compresses each family as a slug is compressed (tar and gzip). The naive build
is Spark's archive, which is compressed already, and the other two jars as Ivy brings them: 600 MB to fetch.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from sides.command import Command
from sides.result import Row

from buildpack import fetch, report, versions
from tests.slug.build import Slug, compressed, slug

WHOLE = Row(
    "Spark and its client for S3", "MB",
    "Spark's own jars: left out are only those that a standalone cluster never loads.",
)  # fmt: skip
FAMILY = "Each is there because something needs it: buildpack/families.json."


def naively(line: versions.Line, app: Slug) -> float:
    """MB of Spark's archive, hadoop-aws and the whole SDK."""
    sdk = next(jar.id.rpartition(":")[2] for jar in line.jars if jar.id.startswith("software.amazon.awssdk:s3:"))
    wanted = [f"org.apache.hadoop:hadoop-aws:{line.hadoop}", f"software.amazon.awssdk:bundle:{sdk}"]
    ivy = next(app.folder.glob(f"{report.SPARK}/jars/ivy-*.jar"))
    with fetch.scratch(app.cache) as home:
        program = fetch.Ivy(ivy, app.folder / ".jdk" / "bin" / "java", fetch.ivy_settings(os.environ))
        module = fetch.ivy_module(wanted, transitive=False)
        fetch.run_ivy(program, module, home, f"{home}/jars/[artifact]-[revision].[ext]", fetch.Patience(), os.environ)
        return (line.spark.bytes + sum(jar.stat().st_size for jar in (home / "jars").iterdir())) / 1e6


def main() -> int:
    """Build and weigh."""
    command = Command(__doc__, no_quick="it builds a slug")
    with tempfile.TemporaryDirectory() as scratch:
        app = slug(Path(scratch) / "app", Path(scratch) / "cache")
        done = app.run("compile")
        if done.returncode:
            sys.exit(done.stderr)
        return command.finish(rows(app))


def rows(app: Slug) -> list[Row]:
    """Weigh it: MB are millions of bytes."""
    line = versions.requested(app.folder)
    sizes = {family: compressed(app.folder, files) / 1e6 for family, files in report.members(app.folder, line).items()}
    both = {"ours": [sizes["s3"] + sizes["spark"]], "the naive build": [naively(line, app)]}
    sizes["Spark, S3 and launchers"] = sum(sizes[family] for family in ("s3", "spark", "launchers", "app"))
    sizes["all without Java and Python"] = sizes["Spark, S3 and launchers"] + sizes["archive"]
    return [WHOLE.of(both), *(Row(family, "MB", FAMILY, sides={"ours": [size]}) for family, size in sizes.items())]


if __name__ == "__main__":
    sys.exit(main())
