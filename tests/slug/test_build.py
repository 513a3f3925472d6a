"""Whole builds: Spark fetched by pip, S3's client by Ivy, both laid into somebody's app, which then runs a job."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .build import Slug, lay_repository, slug

pytestmark = pytest.mark.spark

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


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Slug, str, float]]:
    """A foreign app after its first build, what that said, and how long it took in seconds."""
    folder = tmp_path_factory.mktemp("slug")
    app = slug(folder / "app", folder / "cache")
    app.write({**OWN, "job.py": JOB})
    since = time.monotonic()
    done = app.run("compile")
    assert done.returncode == 0, done.stderr
    yield app, done.stdout + done.stderr, time.monotonic() - since
    shutil.rmtree(folder)


def test_nothing_names_the_folder_of_the_build(built: tuple[Slug, str, float]) -> None:
    """The first test: Python writes where a module is into what it compiles, when it runs.

    Not the archive: Java notes there where Java itself was, and compares it with nothing; test_boot.py moves it.
    """
    app, _, _ = built
    places = [
        str(app.folder / name) for name in (".profile.d", ".heroku/sparkspace", "bin", "conf-templates", "sparkspace")
    ]
    site = next((app.folder / ".heroku/python/lib").glob("python3.*/site-packages"))
    named = ["grep", "-rl", "--exclude=spark.jsa", str(app.folder), *places, str(site / "pyspark"), str(site / "py4j")]
    searched = subprocess.run(named, capture_output=True, text=True)
    assert (searched.returncode, searched.stdout) == (1, ""), searched.stderr


def test_the_app_keeps_what_is_its_own(built: tuple[Slug, str, float]) -> None:
    app, said, _ = built
    assert {name: (app.folder / name).read_text() for name in OWN} == OWN
    for name in ("bin/spark-shell", "conf-templates/log4j2.properties.j2"):
        assert f"       kept the app's own {name}: ours is not used" in said
    assert "       added bin/spark-submit" in said
    assert "\r" not in said, "no progress bars"


def test_it_runs_a_job(built: tuple[Slug, str, float]) -> None:
    app, _, _ = built
    done = app.boot("spark-submit --master 'local[1]' job.py")
    assert "sum 499500" in done.stdout, done.stderr
    assert f"home ['{app.folder}/.heroku/python/lib/" in done.stdout


def test_there_is_one_spark(built: tuple[Slug, str, float]) -> None:
    app, _, _ = built
    cores = [path for path in app.folder.rglob("spark-core_*.jar") if not path.is_symlink()]
    assert len(cores) == 1
    listed = app.boot("python3 -m pip list --format freeze").stdout.splitlines()
    assert [line for line in listed if line.startswith("pyspark==")] == [f"pyspark=={version(app)}"]
    assert app.boot("command -v spark-submit").stdout == f"{app.folder}/bin/spark-submit\n"


def version(app: Slug) -> str:
    return app.boot("python3 -c 'import pyspark; print(pyspark.__version__)'").stdout.strip()


def test_release_and_report(built: tuple[Slug, str, float]) -> None:
    app, _, _ = built
    assert app.run("detect").stdout == "sparkspace\n"
    assert "  master: bin/spark-master\n" in app.run("release").stdout
    report = dict(line.split(": ") for line in app.run("report").stdout.splitlines())
    assert report["sparkspace_spark_version"] == version(app)
    assert 750 < float(report["sparkspace_spark_mb"]) < 950
    assert 5 < float(report["sparkspace_s3_mb"]) < 60
    assert 100 < float(report["sparkspace_archive_mb"]) < 400


def test_the_next_build_has_it_from_the_cache(built: tuple[Slug, str, float], tmp_path: Path) -> None:
    app, _, first_s = built
    again = slug(tmp_path / "app", app.cache)
    again.write(OWN)
    since = time.monotonic()
    done = again.run("compile")
    assert done.returncode == 0, done.stderr
    assert "Fetching" not in done.stderr
    assert (time.monotonic() - since) * 5 < first_s
    assert version(again) == version(app)


def test_this_repository_is_built_by_itself(built: tuple[Slug, str, float], tmp_path: Path) -> None:
    app = slug(tmp_path / "app", built[0].cache)
    lay_repository(app)
    done = app.run("compile", app.folder)
    assert done.returncode == 0, done.stderr
    assert "kept the app's own" not in done.stderr and "added bin/" not in done.stderr
    assert app.boot("bin/master-url").stdout == "spark://1.master.myapp.app.localspace:7077\n"
