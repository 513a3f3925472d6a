"""A slug of this repository, as small as it should be, booted in a root that has nothing else: a job on S3 there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from buildpack import report, versions
from sparkspace.box import network

from ..box.conftest import Box, until
from ..s3 import artifacts
from ..s3.conftest import BUCKET, Store, prepare, settings
from .build import ROOT, Slug, compressed, lay_repository, slug

pytestmark = [pytest.mark.box, pytest.mark.spark]

# Spark, its client for S3 and the launchers, in millions of bytes, compressed: what bench/slug.py prints.
WEIGHS_MB = 243.0
MAY_GROW = 1.05
GOAL_MB = 250.0
ASKER = "tests/s3/asker.py"
WORDS = "a rose is a rose is a rose"
COUNT = f"""\
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
context = spark.sparkContext
context.parallelize(["{WORDS}"], 1).saveAsTextFile("s3a://{BUCKET}/words")
words = context.textFile("s3a://{BUCKET}/words").flatMap(str.split)
print("counted", sorted(words.map(lambda word: (word, 1)).reduceByKey(int.__add__).collect()))
print("python", sys.executable, context.parallelize([0], 1).map(lambda _: sys.executable).first())
"""
SLEEP = """\
import time
from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate().sparkContext.parallelize(range(2), 2).foreach(lambda _: time.sleep(600))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slug]:
    """This repository with a job and a store of its own, built by itself."""
    folder = tmp_path_factory.mktemp("slug")
    app = slug(folder / "app", folder / "cache")
    lay_repository(app)
    done = app.run("compile", app.folder)
    assert done.returncode == 0, done.stderr
    assert "kept the app's own" not in done.stderr and "added bin/" not in done.stderr
    assert "There is no class-data archive" not in done.stderr
    yield app
    shutil.rmtree(folder)


def test_the_slug_is_small(built: Slug) -> None:
    families = report.members(built.folder, versions.requested(built.folder))
    counted = [path for family in ("spark", "s3", "launchers", "app") for path in families[family]]
    size_mb = compressed(built.folder, counted) / 1e6
    print(f"{size_mb:.1f} MB")
    assert WEIGHS_MB / MAY_GROW < size_mb < min(WEIGHS_MB * MAY_GROW, GOAL_MB)


@pytest.fixture(scope="module")
def box(built: Slug, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box of that slug, in a folder that has no more of the app than a Procfile."""
    if lack := network.lack_of_namespaces():
        pytest.skip(f"a slug lies in /app, which takes namespaces: {lack}")
    folder = tmp_path_factory.mktemp("elsewhere")
    (built.folder / "count.py").write_text(COUNT)
    (built.folder / "sleep.py").write_text(SLEEP)
    (built.folder / ASKER).parent.mkdir(parents=True)
    shutil.copy(ROOT / ASKER, built.folder / ASKER)
    shutil.copytree(artifacts.server(), built.folder / "store")
    prepare(Box(built.folder), Path("store"))
    built.pack(folder / "slug.tgz")
    (folder / "Procfile").write_text("worker: true\n")
    (folder / ".env").write_text(settings())
    box = Box(folder)
    box("up", "--detach", "--slug", "slug.tgz")
    try:
        until(lambda: Store(box).ask("PUT", "")[0] == 200)
        box("wait", "--workers", "2", "--timeout", "180")
        yield box
    finally:
        box("down")


def test_it_counts_words_in_s3(box: Box) -> None:
    said = box.out("run", "bin/spark-submit", "count.py")
    assert "counted [('a', 3), ('is', 2), ('rose', 3)]" in said
    python = "/app/.heroku/python/bin/python3"
    assert f"python {python} {python}" in said


def test_every_process_type_boots(box: Box) -> None:
    box("scale", "history=1")
    until(lambda: any("app[history.1]" in line and "HistoryServer" in line for line in box.log()))
    states = {name: dyno["state"] for name, dyno in box.dynos().items() if not name.startswith("run.")}
    assert states == {f"{name}": "up" for name in ("web.1", "master.1", "worker.1", "worker.2", "history.1", "s3.1")}


def test_nothing_of_this_machine_is_there(box: Box) -> None:
    """Programs and what is below the root; run:inside too, which has to be lent a Python."""
    looked = f"ls -d {ROOT} /root /home /opt /usr/local/* 2>/dev/null; command -v python3 java"
    expected = ["/app/.heroku/python/bin/python3", "/app/.jdk/bin/java"]
    assert box.out("run", looked).split() == expected
    assert box.out("run:inside", "worker.1", looked).split() == expected


def test_jvms_use_the_archive(box: Box) -> None:
    """A JVM maps an archive when it starts, and lets it go if it does not fit."""
    box("run:detached", "bin/spark-submit", "sleep.py")
    until(lambda: {"CoarseGrainedExecutorBackend", "Worker"} <= mapping(box, "worker.1"), timeout_s=120)
    assert mapping(box, "master.1") == {"Master"}
    driver = next(name for name in box.dynos() if name.startswith("run."))
    assert mapping(box, driver) == {"SparkSubmit"}
    box("stop", driver)


def mapping(box: Box, dyno: str) -> set[str]:
    """The main classes of a dyno's processes that have the archive mapped."""
    looked = (
        "for each in $(grep -l archives/spark.jsa /proc/[0-9]*/maps 2>/dev/null);"
        " do tr '\\0' '\\n' <${each%/maps}/cmdline; done"
    )
    return set(re.findall(r"^org\.apache\.spark\.[\w.]*\.(\w+)$", box.out("run:inside", dyno, looked), re.MULTILINE))
