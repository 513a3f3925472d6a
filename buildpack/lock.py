"""Resolve versions of Spark anew, and write them into versions.json.

pip and Ivy must reach their registries, and there must be a Java. Half a gigabyte is fetched for a version, into a
temporary folder. Read the difference before you commit it: it decides what every build takes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from typing import Any

from sparkspace.errors import SparkspaceError
from sparkspace.log import event, notice

from . import cache, fetch, versions
from .errors import BuildError
from .versions import Artifact

SETUPTOOLS = "84.2.1"

# No metadata of pyspark tells it: from the release notes of each minor version.
JAVA = {"3.5": [8, 11, 17], "4.0": [17, 21], "4.1": [17, 21], "4.2": [17, 21, 25], "4.3": [17, 21, 25]}

# What S3A uses of the AWS SDK, in place of the "bundle" that hadoop-aws names: that is half a gigabyte. dynamodb: the
# S3A of Hadoop 3.3 has S3Guard, and loads its errors.
PARTS = {
    "aws-java-sdk-bundle": ["aws-java-sdk-s3", "aws-java-sdk-sts", "aws-java-sdk-dynamodb"],
    "bundle": ["s3", "s3-transfer-manager", "sts", "apache-client", "netty-nio-client"],
    "analyticsaccelerator-s3": ["analyticsaccelerator-s3"],
}

# Spark's jars have these classes under another name.
TWINS = {"commons-logging": "jcl-over-slf4j"}

_JAR = re.compile(r"(.+?)-([0-9].*)\.jar")
_PATTERN = "[organisation]/[artifact]/[revision]/[artifact]-[revision].[ext]"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m buildpack.lock", description=__doc__)
    parser.add_argument("version", nargs="+", metavar="VERSION", help="a version of pyspark in full, like 4.3.0")
    parser.add_argument("--default", metavar="VERSION", help="what an app gets that asks for nothing")
    options = parser.parse_args(arguments)
    try:
        for version in options.version:
            with tempfile.TemporaryDirectory() as folder:
                write(version, options.default, Path(folder))
            event("locked", version=version)
    except SparkspaceError as error:
        notice(*error.lines())
        return error.exit_code
    return 0


def write(version: str, default: str | None, folder: Path) -> None:
    """Resolve one version, and put it into the table in place of others of its minor version. Raises BuildError."""
    minor = version.rpartition(".")[0]
    if minor not in JAVA:
        raise BuildError(f"Which Java does Spark {minor} run on?", f"Write it into JAVA of {__file__}")
    wheel = pip(f"setuptools=={SETUPTOOLS}", folder, None)
    entry = resolve(version, folder, wheel)
    table = json.loads(versions.TABLE.read_text(encoding="utf-8")) if versions.TABLE.exists() else {"lines": {}}
    others = {other: line for other, line in table["lines"].items() if other.rpartition(".")[0] != minor}
    lines = {**others, version: entry}
    kept = table.get("default") if table.get("default") in lines else version  # or the default has just been replaced
    table = {
        "default": default or kept,
        "setuptools": {"version": SETUPTOOLS, **_seal(wheel)},
        "lines": lines,
    }
    versions.TABLE.write_text(render(table), encoding="utf-8")


def render(table: dict[str, Any]) -> str:
    """The table's text: oldest line first, a jar in a line, so that a difference shows what has changed."""
    order = sorted(table["lines"], key=lambda version: [int(part) for part in version.split(".")])
    text = json.dumps({**table, "lines": {version: table["lines"][version] for version in order}}, indent=2)
    # What has no brackets inside goes on one line.
    flat = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda found: re.sub(r"\n\s*", " ", found[0]), text)
    return re.sub(r"\[ ([^\[\]{}]*) \]", r"[\1]", flat) + "\n"


def resolve(version: str, folder: Path, setuptools: Path) -> dict[str, Any]:
    """The table's entry of one version. Raises BuildError."""
    with zipfile.ZipFile(setuptools) as wheel:
        wheel.extractall(folder / "tools")
    archive = pip(f"pyspark=={version}", folder, folder / "tools")
    with tarfile.open(archive) as tar:
        names = {Path(name).name for name in tar.getnames() if Path(name).parent.name == "jars"}
        about = _text(tar, f"pyspark-{version}/PKG-INFO")
        ivy = folder / "ivy.jar"
        ivy.write_bytes(_bytes(tar, next(name for name in tar.getnames() if re.search(r"/jars/ivy-[^/]*\.jar$", name))))
    there = {found[1]: found[2] for name in sorted(names) if (found := _JAR.fullmatch(name))}
    scala = ".".join(there["scala-library"].split(".")[:2])
    hadoop = there["hadoop-client-api"]
    return {
        "scala": scala,
        "hadoop": hadoop,
        "python": _python(about),
        "java": JAVA[version.rpartition(".")[0]],
        "spark": {"package": "pyspark", **_seal(archive)},
        "jars": _jars(version, scala, hadoop, set(there), ivy, folder),
    }


def pip(requirement: str, folder: Path, tools: Path | None) -> Path:
    """What pip brings for ``requirement``, whatever its hash. Raises BuildError."""
    into = folder / requirement
    into.mkdir()
    fetch.pip([Artifact(requirement, "", "", 0)], into, fetch.Patience(), os.environ, tools)
    return next(into.iterdir())


def _jars(version: str, scala: str, hadoop: str, there: set[str], ivy: Path, folder: Path) -> list[dict[str, Any]]:
    """hadoop-aws, Spark's committers, and what S3A uses of the AWS SDK; without what Spark has itself."""
    # Committers: not every release has been published. The newest that is not newer than this Spark will do.
    cloud = f"org.apache.spark:spark-hadoop-cloud_{scala}:[{version.partition('.')[0]}.0.0,{version}]"
    alone = _ivy([f"org.apache.hadoop:hadoop-aws:{hadoop}", cloud], False, ivy, folder / "alone")
    about = folder / "alone" / "cache" / "org.apache.hadoop" / "hadoop-aws" / f"ivy-{hadoop}.xml"
    closure = _ivy(_parts(about), True, ivy, folder / "closure")
    names = there | {twin for twin, other in TWINS.items() if other in there}
    return [*alone, *(each for each in closure if each["module"].split(":")[1] not in names)]


def _parts(about: Path) -> list[str]:
    """The modules that hadoop-aws needs by its own metadata, in the versions that it was built with.

    Not every one of the SDK's modules is published in every patch version: then it is the one before.
    """
    found = []
    for each in ElementTree.parse(about).iter("dependency"):
        names = PARTS.get(each.attrib["name"], [])
        found += [f"{each.attrib['org']}:{name}:{_up_to(each.attrib['rev'])}" for name in names]
    return found


def _up_to(version: str) -> str:
    """A range of one minor version, of which Ivy takes the newest."""
    return f"[{version.rpartition('.')[0]}.0,{version}]"


def _ivy(modules: list[str], transitive: bool, ivy: Path, home: Path) -> list[dict[str, Any]]:
    """What Ivy brings for the modules, as entries of the table. Raises BuildError."""
    java = shutil.which("java")
    if java is None:
        raise BuildError("There is no Java, which Ivy needs.", "Install one: apt-get install openjdk-17-jre-headless")
    home.mkdir()
    program = fetch.Ivy(ivy, Path(java), fetch.ivy_settings(os.environ))
    module = fetch.ivy_module(modules, transitive)
    fetch.run_ivy(program, module, home, f"{home}/out/{_PATTERN}", fetch.Patience(), os.environ)
    return [
        {"module": ":".join(path.relative_to(home / "out").parts[:3]), **_seal(path)}
        for path in sorted((home / "out").rglob("*.jar"))
    ]


def _python(about: str) -> list[str]:
    """The oldest Python that pyspark asks for, and the newest that it names."""
    oldest = re.search(r"^Requires-Python: >=([0-9.]+)", about, re.MULTILINE)
    named = re.findall(r"^Classifier: Programming Language :: Python :: 3\.([0-9]+)$", about, re.MULTILINE)
    if not oldest or not named:
        raise BuildError("pyspark's metadata don't say which Python it needs.")
    return [oldest[1], f"3.{max(map(int, named))}"]


def _seal(path: Path) -> dict[str, Any]:
    return {"sha256": cache.digest(path), "bytes": path.stat().st_size}


def _text(tar: tarfile.TarFile, name: str) -> str:
    return _bytes(tar, name).decode("utf-8")


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise BuildError(f"{name} is missing in pyspark's archive.")
    return file.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
