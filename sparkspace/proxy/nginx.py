"""nginx: where it is, its files, and starting, reloading and ending it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..config import User
from ..errors import LaunchError
from .routes import Routes

DEAF = Path(__file__).with_name("deaf.py")
ROOT = Path(__file__).resolve().parent.parent.parent
# scripts/setup puts it beside the Python packages; the build's apt buildpack below .apt; distributions into sbin.
PLACES = (ROOT / ".venv" / "nginx" / "usr" / "sbin", ROOT / ".apt" / "usr" / "sbin", Path("/usr/sbin"))
STOP_WITHIN_S = 25.0  # worker_shutdown_timeout, and some: the dyno is killed after 30
VERSION_WITHIN_S = 10.0


def find(env: Mapping[str, str]) -> str:
    """The absolute path of nginx.

    Raises:
        LaunchError: there is none, or it can't run.
    """
    path = os.pathsep.join([env.get("PATH", ""), *map(str, PLACES)])
    program = shutil.which("nginx", path=path)
    cure = 'Install it with: scripts/setup   (on Heroku: the build has to bring it; see README, "Spark\'s pages")'
    if program is None:
        raise LaunchError("nginx is not installed, and the web process is made of it.", cure)
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=VERSION_WITHIN_S)
        if said.returncode == 0:
            return os.path.abspath(program)
        raise LaunchError(f"{program} can't run: {said.stderr.strip()}", cure)
    raise LaunchError(f"{program} can't run.", cure)


class Nginx:
    """A running nginx: the process that we started, and the files in its folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self._text = ""

    def prepare(self, users: Iterable[User]) -> None:
        """Make the folder's other files: who may log in, and where those are kept who tried too often."""
        for name in ("banned", "body", "proxied", "unused"):
            (self.folder / name).mkdir()
        with open(self.folder / "users", "x", opener=_private) as file:
            file.writelines(user.line() for user in users)

    async def start(self, routes: Routes) -> None:
        """Start it, deaf to SIGTERM, with the access log going where our own output goes.

        Raises:
            LaunchError: it refuses the configuration: a bug of ours, or a port that is taken.
        """
        self._write(routes.render())
        command = [sys.executable, "-I", "-S", str(DEAF), self.program, *self._options()]
        self.process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL)

    def _options(self) -> list[str]:
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]

    def apply(self, routes: Routes) -> bool:
        """Have nginx read its configuration anew if ``routes`` make another one. Nobody is dropped."""
        text = routes.render()
        if text == self._text or not self.process or self.process.returncode is not None:
            return False
        self._write(text)
        self.process.send_signal(signal.SIGHUP)
        return True

    def _write(self, text: str) -> None:
        temporary = self.folder / "nginx.conf.new"
        with open(temporary, "w", opener=_private) as file:
            file.write(text)
        os.replace(temporary, self.folder / "nginx.conf")
        self._text = text

    async def stop(self) -> None:
        """Let it finish what it has begun; end it when that takes too long."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGQUIT)
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
