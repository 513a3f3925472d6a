"""nginx: where it is, its files, and starting, reloading and ending it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
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
STOP_WITHIN_S = 25.0  # the dyno is killed after 30
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
    try:
        version(program)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise LaunchError(f"{program} can't run: {error}", cure) from None
    return os.path.abspath(program)


def version(program: str) -> tuple[int, ...]:
    """``(1, 22, 1)``.

    Raises:
        OSError, ValueError, subprocess.SubprocessError: it can't run, or is no nginx.
    """
    said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=VERSION_WITHIN_S)
    match = re.search(r"nginx/([\d.]+)", said.stderr)
    if said.returncode or not match:
        raise ValueError(said.stderr.strip())
    return tuple(map(int, match[1].split(".")))


class Nginx:
    """A running nginx: the process that we started, and the files in its folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self._routes: Routes | None = None

    def prepare(self, users: Iterable[User]) -> None:
        """Make the folder's other files: who may log in, and where those are kept who tried too often."""
        for name in ("banned", "body", "proxied", "unused"):
            (self.folder / name).mkdir()
        with open(self.folder / "users", "x", opener=_private) as file:
            file.writelines(user.line() for user in users)

    async def start(self, routes: Routes) -> None:
        """Start it, deaf to SIGTERM. A configuration or port that it can't take is seen by its end."""
        self._write(routes)
        command = [sys.executable, "-I", "-S", str(DEAF), self.program, *self._options()]
        # A reload that comes before nginx minds it would kill it. nginx itself lifts the block when it is ready.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.DEVNULL, start_new_session=True
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _options(self) -> list[str]:
        early_log = ["-e", "stderr"] if version(self.program) >= (1, 19, 5) else []
        return ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *early_log]

    def apply(self, routes: Routes) -> bool:
        """Have nginx read its configuration anew if ``routes`` are others. What runs goes on for an hour at most."""
        if routes == self._routes or not self.process or self.process.returncode is not None:
            return False
        self._write(routes)
        self.process.send_signal(signal.SIGHUP)
        return True

    def _write(self, routes: Routes) -> None:
        temporary = self.folder / "nginx.conf.new"
        with open(temporary, "w", opener=_private) as file:
            file.write(routes.render())
        os.replace(temporary, self.folder / "nginx.conf")
        self._routes = routes

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
                os.killpg(process.pid, signal.SIGKILL)  # its workers, too
            await process.wait()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
