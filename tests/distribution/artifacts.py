"""What the long tests need besides: Python libraries for Spark, and its examples. Fetched once, kept in ``.venv``.

The libraries are not installed into ``.venv``: Spark has to work there without them, as it must in a slug.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from buildpack import distribution, fetch, versions

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARIES = Path(__file__).with_name("libraries.txt")  # what pyspark[connect,ml] asks for, and all that they need
CACHE = ROOT / ".venv" / "distribution"


def libraries() -> Path:
    """A folder with the libraries, to be put on ``PYTHONPATH``."""
    folder = CACHE / f"libraries-{hashlib.sha256(LIBRARIES.read_bytes()).hexdigest()[:8]}"
    if not folder.exists():
        with fetch.scratch(CACHE) as fresh:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
            subprocess.run([*pip, "--target", fresh / "site", "-r", LIBRARIES], check=True, timeout=300)
            (fresh / "site").replace(folder)
    return folder


def examples() -> Path:
    """A folder with the ``examples`` and the ``data`` of the version that is installed, which the build leaves out."""
    line = versions.requested(ROOT)
    folder = CACHE / f"examples-{line.version}"
    if not folder.exists():
        with fetch.scratch(CACHE) as fresh:
            unpack_examples(fetch.spark(line, fresh), fresh / "spark")
            (fresh / "spark").replace(folder)
    return folder


def unpack_examples(archive: Path, folder: Path) -> None:
    """Those two folders of Spark's archive."""
    with tarfile.open(archive) as tar:
        for member in tar:
            place = distribution.place(member.name) if member.isfile() else None
            if place and place.startswith(("examples/", "data/")):
                content = tar.extractfile(member)
                assert content is not None
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_bytes(content.read())
