"""JupyterLab, for ``bin/notebook``: in a folder of its own, and only where somebody wants it.

Python finds it after all else (a ``.pth`` of ``site-packages``), so what the app has in another version is the app's.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from . import cache, dependencies
from .app import App
from .errors import BuildError
from .log import Step

VAR = "SPARKSPACE_NOTEBOOK"
# Whatever lies in a site-packages is installed: a notebook's own code is shipped to executors, this is not.
FOLDER = Path(".heroku") / "sparkspace-notebook" / "site-packages"
PTH = "sparkspace-notebook.pth"


def is_wanted(env: Mapping[str, str]) -> bool:
    """Whether the build is to bring it.

    Raises:
        BuildError: that can't be told.
    """
    found = env.get(VAR, "").strip().lower()
    if found not in ("", "false", "true"):
        raise BuildError(f"{VAR} must be true or false, but it is {found!r}.", f"heroku config:set {VAR}=true")
    return found == "true"


def install(app: App, site: Path, requirements: Path) -> None:
    """Install it, and have the app's Python find it.

    Raises:
        BuildError: pip can't.
    """

    def make(fresh: Path) -> None:
        dependencies.fetch(fresh / FOLDER.parent.name / FOLDER.name, requirements, {**os.environ, **app.env})

    with Step("Installing JupyterLab") as step:
        key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
        cache.copy(cache.tree(app.cache / "notebook" / key, make), app.folder / FOLDER.parent.parent)
        # Relative: a build is not where the app will run.
        (site / PTH).write_text(os.path.relpath(app.folder / FOLDER, site) + "\n")
        step.weigh(app.folder / FOLDER)
