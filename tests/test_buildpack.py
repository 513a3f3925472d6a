"""Builds that can't be: each ends at once, says what is wrong and what to type, and leaves the app alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .slug.build import ROOT, STACK, Slug, bare, pretend


@pytest.fixture
def app(tmp_path: Path) -> Slug:
    return bare(tmp_path)


def refused(app: Slug, *words: str) -> str:
    """Build in vain. Returns what was said, which has these words and nobody's stack trace."""
    before = {path: path.read_bytes() for path in app.folder.rglob("*") if path.is_file()}
    done = app.run("compile")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert all(line.startswith((" !     ", "-----> ", "       ")) for line in done.stderr.splitlines())
    assert {path: path.read_bytes() for path in app.folder.rglob("*") if path.is_file()} == before
    return done.stderr


def test_without_python(app: Slug) -> None:
    refused(app, "There is no Python", "heroku buildpacks:add --index 1 heroku/python")


def test_without_java(app: Slug) -> None:
    pretend(app)
    (app.folder / ".jdk" / "bin" / "java").unlink()
    refused(app, "There is no Java", "heroku buildpacks:add --index 1 heroku/jvm")


def test_an_older_spark_needs_what_the_launchers_need(app: Slug) -> None:
    pretend(app, python="3.11", java="11.0.2")
    app.write({".spark.version": "3.5"})
    refused(app, "runs on Java 17, but the app has Java 11", "java.runtime.version=17")


def test_without_a_network(app: Slug) -> None:
    pretend(app)
    (app.env_dir / "PIP_INDEX_URL").write_text("http://user:password@127.0.0.1:1/simple")
    assert "password" not in refused(app, "pip could not install", "PIP_INDEX_URL")


def test_a_file_of_ours_that_is_the_apps(app: Slug) -> None:
    pretend(app)
    app.write({".profile.d/sparkspace.sh": "export MINE=1"})
    refused(app, ".profile.d/sparkspace.sh of its own")


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.15"])
def test_a_python_that_spark_does_not_run_on(app: Slug, version: str) -> None:
    pretend(app, python=version)
    refused(app, f"but the app has {version}", ".python-version")


@pytest.mark.parametrize("version", ["1.8.0_452", "11.0.2", "26"])
def test_a_java_that_spark_does_not_run_on(app: Slug, version: str) -> None:
    pretend(app, java=version)
    refused(app, f"but the app has Java {version.removeprefix('1.').partition('.')[0]}", "system.properties")


@pytest.mark.parametrize(
    ("found", "word"),
    [("4.9", "4.3.0"), ("1.6.2", "1.6"), ("2.4\r\n", "2.4"), ("latest", "4.3.0"), ("4.3\n3.5\n", "4.3")],
)
def test_a_version_that_is_not_in_the_table(app: Slug, found: str, word: str) -> None:
    pretend(app)
    app.write({".spark.version": found})
    refused(app, ".spark.version", word)


def test_a_family_that_does_not_exist(app: Slug) -> None:
    pretend(app)
    (app.env_dir / "SPARKSPACE_KEEP").write_text("hivee")
    refused(app, "SPARKSPACE_KEEP names hivee", "connect-repl, kubernetes")


def test_a_family_that_every_build_has(app: Slug) -> None:
    pretend(app, python="3.12")
    app.write({"sparkspace/__init__.py": ""})  # so that it ends early
    (app.env_dir / "SPARKSPACE_KEEP").write_text("kubernetes, hive")
    said = refused(app, "SPARKSPACE_KEEP names hive, which every build has")
    assert "names kubernetes" not in said
    (app.env_dir / "SPARKSPACE_KEEP").write_text("all")
    assert "SPARKSPACE_KEEP" not in refused(app, "sparkspace")


def test_a_package_of_our_name(app: Slug) -> None:
    pretend(app)
    app.write({"sparkspace/__init__.py": "x = 1"})
    refused(app, "a folder sparkspace of its own", "another name")


def test_hostile_config_vars_are_not_looked_at(app: Slug) -> None:
    pretend(app, python="3.9")  # so that it ends early
    for name in ("PATH", "PYTHONPATH", "LD_PRELOAD", "a b", "$(touch pwned)", "X\ny"):
        (app.env_dir / name).write_text("$(touch pwned)\0`touch pwned`")
    (app.env_dir / "SPARKSPACE_KEEP").mkdir()
    assert "pwned" not in refused(app, "but the app has 3.9")
    assert list(ROOT.glob("pwned")) == []


def test_a_config_var_that_is_no_text(app: Slug) -> None:
    (app.env_dir / "SPARKSPACE_KEEP").write_bytes(b"\xff\xfe")
    refused(app, "SPARKSPACE_KEEP can't be read", "heroku config:unset SPARKSPACE_KEEP")
    (app.env_dir / "SPARKSPACE_KEEP").write_bytes(b"hive\0")
    refused(app, "SPARKSPACE_KEEP is not one line of text")


@pytest.mark.parametrize("arguments", [(), ("relative", "/tmp", "/tmp"), ("/nowhere/at/all", "/tmp", "/tmp")])
def test_arguments_that_can_not_be(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([ROOT / "bin" / "compile", *arguments], env=STACK, capture_output=True, text=True)
    assert done.returncode == 1
    assert "BUILD_DIR CACHE_DIR ENV_DIR" in done.stderr and "Traceback" not in done.stderr


def test_detect_release_and_report(app: Slug) -> None:
    assert app.run("detect").stdout == "sparkspace\n"
    release = app.run("release").stdout.splitlines()
    assert release[:2] == ["---", "default_process_types:"]
    assert release[2:] == [f"  {line}" for line in (ROOT / "Procfile").read_text().splitlines()]
    assert "sparkspace_app_mb: 0.0" in app.run("report").stdout
