"""A slug of this repository for a version of Spark, and a box of that slug."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildpack import versions
from sparkspace.box import network

from ..box.conftest import Box, until
from ..s3 import artifacts
from ..s3.conftest import BUCKET, Store, prepare, settings
from .build import ROOT, Slug, lay_repository, slug
from .runtimes import java_for, python_for

JOBS = Path(__file__).parent / "jobs"
ASKER = "tests/s3/asker.py"
OWN = {
    "Procfile": "web: gunicorn app\n",
    "bin/spark-shell": "#!/bin/sh\necho mine\n",
    "conf-templates/log4j2.properties.j2": "mine\n",
    "requirements.txt": "\n",
}
JOB = """\
import pyspark
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("home", pyspark.__path__)
print("sum", spark.range(1000).selectExpr("sum(id)").first()[0])
"""


def lines() -> list[object]:
    """The default on this Python and the system's Java, in every run; all of the table on the newest of both."""
    rows = [pytest.param((version, True), marks=pytest.mark.versions, id=version) for version in versions.versions()]
    return [pytest.param((versions.default().version, False), id="default"), *rows]


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Slug, str, float]]:
    """A foreign app after its first build, what that said, and how long it took in seconds."""
    folder = tmp_path_factory.mktemp("foreign")
    app = slug(folder / "app", folder / "cache")
    app.write({**OWN, "job.py": JOB})
    since = time.monotonic()
    done = app.run("compile")
    took_s = time.monotonic() - since
    assert done.returncode == 0, done.stderr
    yield app, done.stdout + done.stderr, took_s
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=lines())
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Slug, versions.Line]]:
    """This repository, built by itself. The default has the cache of the foreign app, the others begin with nothing."""
    version, newest = request.param
    line = versions.resolve(version)
    folder = tmp_path_factory.mktemp("slug")
    runtimes = (python_for(line), java_for(line)) if newest else (sys.executable, None)
    cache = folder / "cache" if newest else request.getfixturevalue("foreign")[0].cache
    app = slug(folder / "app", cache, *runtimes)
    lay_repository(app)
    app.write({".spark.version": f"{version}\n"})
    try:
        done = app.run("compile", app.folder)
        assert done.returncode == 0, done.stderr
        assert "kept the app's own" not in done.stderr and "added bin/" not in done.stderr
        assert "There is no class-data archive" not in done.stderr, done.stderr
        yield app, line
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def box(built: tuple[Slug, versions.Line], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of that slug, in a folder that has no more of the app than a Procfile.

    It has two workers and a bucket, with the master's state in it, as on Heroku.
    """
    if lack := network.lack_of_namespaces():
        pytest.skip(f"a slug lies in /app, which takes namespaces: {lack}")
    app, _ = built
    folder = tmp_path_factory.mktemp("elsewhere")
    add_jobs(app, folder / "jobs")
    app.pack(folder / "slug.tgz", folder / "jobs")
    (folder / "Procfile").write_text("worker: true\n")
    (folder / ".env").write_text(f"{settings()}SPARKSPACE_RECOVERY_DIR=s3a://{BUCKET}/spark-recovery\n")
    box = Box(folder)
    box("up", "--detach", "--slug", "slug.tgz")
    try:
        until(lambda: Store(box).ask("PUT", "")[0] == 200)
        box("wait", "--workers", "2", "--timeout", "180")
        box("scale", "history=1")
        yield box
    finally:
        box("down")
        shutil.rmtree(folder)


def add_jobs(app: Slug, folder: Path) -> None:
    """What the tests run there: jobs, and a store for the bucket."""
    shutil.copytree(JOBS, folder / "jobs")
    shutil.copytree(artifacts.server(), folder / "store")
    (folder / ASKER).parent.mkdir(parents=True)
    shutil.copy(ROOT / ASKER, folder / ASKER)
    shutil.copy(app.folder / "Procfile", folder)
    prepare(Box(folder), Path("store"))
