"""A build as Heroku runs it: the buildpack's programs in an empty environment, in a folder that will be ``/app``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sparkspace import launch

from ..launchers import FACTS

ROOT = Path(__file__).resolve().parent.parent.parent
# Without HOME, which is /app there: root would make that folder here.
STACK = {"STACK": "heroku-24", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}


@dataclass(frozen=True)
class Slug:
    """A folder that is built, the cache that builds share, and a folder of config vars."""

    folder: Path
    cache: Path
    env_dir: Path

    def write(self, files: dict[str, str]) -> None:
        """Files of the app."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, newline="")

    def run(self, program: str, buildpack: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
        """Run one of the buildpack API's programs."""
        command = [str(buildpack / "bin" / program), *map(str, (self.folder, self.cache, self.env_dir))]
        return subprocess.run(
            command, env={**STACK, "HOME": str(self.cache), **env}, capture_output=True, text=True, timeout=400
        )

    def boot(self, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a dyno of this slug does: what the buildpacks put into .profile.d first."""
        profile = f'cd "$HOME"; for f in .profile.d/*.sh; do . "$f"; done; {command}'
        path = f"{self.folder}/.heroku/python/bin:{self.folder}/.jdk/bin:{STACK['PATH']}"
        env = {**STACK, **FACTS, "HOME": str(self.folder), "PATH": path, **env}
        return subprocess.run(["bash", "-c", profile], env=env, capture_output=True, text=True, timeout=300)


def slug(folder: Path, cache: Path, python: str = sys.executable, java: Path | None = None) -> Slug:
    """An empty app, after heroku/python and heroku/jvm."""
    folder.mkdir(exist_ok=True)
    subprocess.run([python, "-m", "venv", folder / ".heroku" / "python"], check=True)
    (folder / ".jdk").symlink_to(java or launch.java_home({"PATH": STACK["PATH"]}))
    (folder / "env").mkdir()
    return Slug(folder, cache, folder / "env")


def lay_repository(made: Slug) -> None:
    """Make the app this repository, as a fresh clone has it."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, made.folder / name)


def bare(folder: Path) -> Slug:
    """An empty app, and nothing before us."""
    (folder / "app").mkdir()
    (folder / "env").mkdir()
    return Slug(folder / "app", folder / "cache", folder / "env")


def pretend(made: Slug, python: str = "3.12", java: str = "17.0.15") -> None:
    """Folders that look like those of heroku/python and heroku/jvm, for builds that end before they run them."""
    (made.folder / ".heroku" / "python" / "lib" / f"python{python}" / "site-packages").mkdir(parents=True)
    (made.folder / ".heroku" / "python" / "bin").mkdir()
    (made.folder / ".heroku" / "python" / "bin" / "python3").symlink_to(shutil.which("python3") or sys.executable)
    (made.folder / ".jdk" / "bin").mkdir(parents=True)
    (made.folder / ".jdk" / "bin" / "java").write_text("")
    (made.folder / ".jdk" / "release").write_text(f'JAVA_VERSION="{java}"\n')
