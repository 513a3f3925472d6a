"""The packages that the launchers import, in a folder of their own: whatever versions the app has are the app's."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from . import cache
from .app import App
from .errors import BuildError
from .log import Step

FOLDER = Path(".heroku") / "sparkspace"
NEEDED = ("aiohttp", "cryptography", "dotenv", "jinja2", "requests", "tenacity")
WITHIN_S = 600


def install(app: App, requirements: Path) -> None:
    """Install what the app's Python has not, and have it importable in this process.

    Raises:
        BuildError: pip can't.
    """
    if all(importlib.util.find_spec(name) for name in NEEDED):
        return
    with Step("Installing the packages that the launchers need") as step:
        key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
        kept = cache.tree(app.cache / "launchers" / key, lambda fresh: _fetch(fresh / FOLDER.name, requirements))
        cache.copy(kept, app.folder / FOLDER.parent)
        step.weigh(app.folder / FOLDER)
    sys.path.insert(0, str(app.folder / FOLDER))
    importlib.invalidate_caches()


def _fetch(target: Path, requirements: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run([*pip, "--no-compile", "--target", str(target), "--requirement", str(requirements)])
    shutil.rmtree(target / "bin", ignore_errors=True)  # scripts that name the folder of the build


def _run(command: list[str]) -> None:
    cure = "Build again. If it stays: heroku builds:cache:purge"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"pip took longer than {WITHIN_S} s.", cure) from error
    if done.returncode:
        raise BuildError(
            "\n".join(["pip could not install the launchers' packages:", *done.stderr.splitlines()[-5:]]), cure
        )
