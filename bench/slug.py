"""What a slug weighs, by family, beside the naive build: pyspark as pip installs it, hadoop-aws, and the SDK's bundle.

    .venv/bin/python3 bench/slug.py

Builds an empty app with bin/compile, compresses each family as a slug is compressed (tar and gzip), and prints a table
in MB (millions of bytes); the same numbers go to bench/results/slug.json. The naive build is Spark's archive, which is
compressed already, and the other two jars as Ivy brings them: 600 MB to fetch.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from buildpack import fetch, report, versions  # noqa: E402
from tests.slug.build import Slug, compressed, slug  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "slug.json"


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


def main() -> None:
    """Build, weigh, print."""
    with tempfile.TemporaryDirectory() as scratch:
        app = slug(Path(scratch) / "app", Path(scratch) / "cache")
        done = app.run("compile")
        if done.returncode:
            sys.exit(done.stderr)
        show(app)


def show(app: Slug) -> None:
    """Print the table and keep it."""
    line = versions.requested(app.folder)
    sizes = {family: compressed(app.folder, files) / 1e6 for family, files in report.members(app.folder, line).items()}
    sizes["Spark, S3 and launchers"] = sum(sizes[family] for family in ("s3", "spark", "launchers", "app"))
    sizes["all without Java and Python"] = sizes["Spark, S3 and launchers"] + sizes["archive"]
    naive = naively(line, app)
    for family, size in sizes.items():
        print(f"{size:8.1f} MB  {family}")
    ours = sizes["s3"] + sizes["spark"]
    print(f"{naive:8.1f} MB  the naive build's Spark and S3; ours are {ours:.1f} MB, {ours / naive:.2f} of it")
    machine = {"machine": platform.machine(), "spark": line.version, "python": platform.python_version()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**machine, "mb": sizes, "naive_mb": naive}, indent=2) + "\n")


if __name__ == "__main__":
    main()
