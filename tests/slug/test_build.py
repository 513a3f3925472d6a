"""Whole builds: Spark fetched by pip, S3's client by Ivy, both laid into somebody's app, which then runs a job."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from .build import Slug, slug
from .conftest import OWN

pytestmark = pytest.mark.spark

Built = tuple[Slug, str, float]


def test_nothing_names_the_folder_of_the_build(foreign: Built) -> None:
    """The first test: Python writes where a module is into what it compiles, when it runs.

    Not the archive: Java notes there where Java itself was, and compares it with nothing; test_boot.py moves it.
    """
    app, _, _ = foreign
    places = [
        str(app.folder / name) for name in (".profile.d", ".heroku/sparkspace", "bin", "conf-templates", "sparkspace")
    ]
    site = next((app.folder / ".heroku/python/lib").glob("python3.*/site-packages"))
    named = ["grep", "-rl", "--exclude=*.jsa", str(app.folder), *places, str(site / "pyspark"), str(site / "py4j")]
    searched = subprocess.run(named, capture_output=True, text=True)
    assert (searched.returncode, searched.stdout) == (1, ""), searched.stderr


def test_the_app_keeps_what_is_its_own(foreign: Built) -> None:
    app, said, _ = foreign
    assert {name: (app.folder / name).read_text() for name in OWN} == OWN
    for name in ("bin/spark-shell", "conf-templates/log4j2.properties.j2"):
        assert f"       kept the app's own {name}: ours is not used" in said
    assert "       added bin/spark-submit" in said
    assert "\r" not in said, "no progress bars"


def test_it_runs_a_job(foreign: Built) -> None:
    app, _, _ = foreign
    done = app.boot("spark-submit --master 'local[1]' job.py")
    assert "sum 499500" in done.stdout, done.stderr
    assert f"home ['{app.folder}/.heroku/python/lib/" in done.stdout


def test_there_is_one_spark(foreign: Built) -> None:
    app, _, _ = foreign
    cores = [path for path in app.folder.rglob("spark-core_*.jar") if not path.is_symlink()]
    assert len(cores) == 1
    listed = app.boot("python3 -m pip list --format freeze").stdout.splitlines()
    assert [line for line in listed if line.startswith("pyspark==")] == [f"pyspark=={version(app)}"]
    assert app.boot("command -v spark-submit").stdout == f"{app.folder}/bin/spark-submit\n"


def version(app: Slug) -> str:
    return app.boot("python3 -c 'import pyspark; print(pyspark.__version__)'").stdout.strip()


def test_release_and_report(foreign: Built) -> None:
    app, _, _ = foreign
    assert app.run("detect").stdout == "sparkspace\n"
    assert "  master: bin/spark-master\n" in app.run("release").stdout
    report = dict(line.split(": ") for line in app.run("report").stdout.splitlines())
    assert report["sparkspace_spark_version"] == version(app)
    assert 750 < float(report["sparkspace_spark_mb"]) < 950
    assert 5 < float(report["sparkspace_s3_mb"]) < 60
    assert 100 < float(report["sparkspace_archive_mb"]) < 400


def test_the_next_build_has_it_from_the_cache(foreign: Built, tmp_path: Path) -> None:
    app, _, first_s = foreign
    again = slug(tmp_path / "app", app.cache)
    again.write(OWN)
    since = time.monotonic()
    done = again.run("compile")
    assert done.returncode == 0, done.stderr
    assert "Fetching" not in done.stderr
    assert (time.monotonic() - since) * 5 < first_s
    assert version(again) == version(app)
