"""The store that the tests of S3 talk to, fetched once by the Ivy that Spark itself has, and kept in ``.venv``."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pyspark

from buildpack import fetch

ROOT = Path(__file__).resolve().parent.parent.parent
STORE = Path(__file__).with_name("store.txt")  # org.gaul:s3proxy, and all it needs to keep objects in memory
# A dyno has a link to .venv, wherever else it may not see what is outside of it.
CACHE = ROOT / ".venv" / "s3"


def server() -> Path:
    """The folder with the store's jars, named after their versions."""
    folder = CACHE / hashlib.sha256(STORE.read_bytes()).hexdigest()[:8]
    if not folder.exists():
        bring(folder)
    return folder


def bring(folder: Path) -> None:
    """Have Ivy copy the jars."""
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    java = Path(shutil.which("java") or "java")
    module = fetch.ivy_module(STORE.read_text().split(), transitive=False)
    with fetch.scratch(CACHE) as home:
        program = fetch.Ivy(ivy, java, fetch.ivy_settings(os.environ) or fetch.quick_settings(home))
        fetch.run_ivy(program, module, home, f"{home}/jars/[artifact]-[revision].[ext]", fetch.Patience(), os.environ)
        (home / "jars").replace(folder)
