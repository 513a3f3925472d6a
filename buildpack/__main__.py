"""Heroku's classic buildpack API (devcenter.heroku.com/articles/buildpack-api): what bin/detect and the others run."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from sparkspace.errors import SparkspaceError
from sparkspace.log import notice

from . import boot, dependencies, families, lab, overlay, report, versions, zeppelin
from .app import App
from .errors import BuildError
from .log import Step

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = {1: "BUILD_DIR", 3: "BUILD_DIR CACHE_DIR ENV_DIR"}


def detect(folder: str) -> None:
    """Any app will do: whoever adds this buildpack wants it."""
    print("sparkspace")


def compile(folder: str, cache: str, env_dir: str) -> None:
    """Put the cluster into the app."""
    app = App.of(folder, cache, env_dir)
    line = versions.requested(app.folder)
    keep = app.env.get("SPARKSPACE_KEEP", "")
    unwanted = families.unwanted(keep)
    notice(*families.in_vain(keep))
    site, java = app.site(line), app.java(line)
    has_lab, with_zeppelin = lab.is_wanted(app.env), zeppelin.wanted(app.env, line.version)
    overlay.refuse_conflicts(ROOT, app.folder)
    boot.refuse_other(app.folder)
    dependencies.install(app, ROOT / "requirements.txt")
    from . import archives, bytecode, install, scala  # what they import has just been installed

    home = install.install(line, site, app.cache, java, unwanted, {**os.environ, **app.env})
    if has_lab:
        lab.install(app, site, ROOT / "requirements-notebook.txt")
    if with_zeppelin:
        zeppelin.install(app, with_zeppelin)
    scala.install(app, home, line.version, java)
    archives.install(app, home, install.key(line, unwanted))
    with Step(f"sparkspace with Spark {line.version}: launchers and templates") as step:
        for said in (*overlay.lay(ROOT, app.folder), boot.write(app.folder)):
            step.detail(said)
    bytecode.install(home, archives.RUNS_AT / home.relative_to(app.folder), app.folder)
    bytecode.compile_package(app.folder / "sparkspace", archives.RUNS_AT / "sparkspace")
    report.show(app.folder, line)


def release(folder: str) -> None:
    """The process types that the app's own Procfile does not name."""
    print("---\ndefault_process_types:")
    for line in (ROOT / "Procfile").read_text().splitlines():
        print(f"  {line}")


def main(name: str, *arguments: str) -> int:
    """Run one of the API's programs; 1 and an explanation when it can't be done."""
    programs: dict[str, Callable[..., None]] = {
        "detect": detect, "compile": compile, "release": release, "report": report.main,
    }  # fmt: skip
    program = programs[name]
    wanted = inspect.signature(program).parameters
    try:
        if len(arguments) < len(wanted) or not all(map(os.path.isabs, arguments)):
            raise BuildError(f"bin/{name} wants {len(wanted)} absolute paths.", f"bin/{name} {ARGUMENTS[len(wanted)]}")
        program(*arguments[: len(wanted)])
    except SparkspaceError as error:
        notice(*error.lines())
        return 1
    except OSError as error:  # a disk that is full, or can't be written
        notice(f"The build can't go on: {error}.", "Build again.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
