"""The packages that the launchers import, in a folder of their own: whatever versions the app has are the app's."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from . import cache, client
from .app import App
from .errors import BuildError
from .log import Step

FOLDER = Path(".heroku") / "sparkspace"
WITHIN_S = 600


def install(app: App, requirements: Path) -> None:
    """Install them, and have them importable in this process.

    Raises:
        BuildError: pip can't.
    """

    def make(fresh: Path) -> None:
        fetch(fresh / FOLDER.name, requirements, {**os.environ, **app.env})

    with Step("Installing the packages that the launchers need") as step:
        key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
        kept = cache.tree(app.cache / "launchers" / key, make)
        cache.copy(kept, app.folder / FOLDER.parent)
        step.weigh(app.folder / FOLDER)
    sys.path.insert(0, str(app.folder / FOLDER))
    importlib.invalidate_caches()


def fetch(target: Path, requirements: Path, env: Mapping[str, str]) -> None:
    """Have pip put packages into a folder of their own.

    Raises:
        BuildError: it can't.
    """
    pip, path = client.pip_program()
    command = [
        *pip,
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-compile",
        "--no-cache-dir",
    ]
    _run(
        [*command, "--target", str(target), "--requirement", str(requirements)], {**env, "PYTHONPATH": str(path or "")}
    )
    shutil.rmtree(target / "bin", ignore_errors=True)  # scripts that name the folder of the build


def _run(command: list[str], env: Mapping[str, str]) -> None:
    cure = "Build again. A mirror of your own is set with PIP_INDEX_URL."
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, env=env, cwd="/")
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"pip took longer than {WITHIN_S} s.", cure) from error
    if done.returncode:
        raise BuildError(
            "\n".join(
                ["pip could not install packages that sparkspace needs:", *client.masked(done.stderr).splitlines()[-5:]]
            ),
            cure,
        )
