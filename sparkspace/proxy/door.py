"""The web process as a whole: nginx and the desk, from their start to the end of both."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import sizing, topology
from ..config import Dyno, Settings
from ..config.users import refuse_unusable
from ..errors import CheckFailed, ConfigError, PlatformError
from ..log import event
from .attempts import Attempts
from .desk import Desk
from .formation import Formation
from .lookout import Lookout, View
from .nginx import Nginx, find
from .pages import Pages
from .routes import Chosen, Routes
from .seal import Seal

MOST_WORKERS = 4
SWEEP_EVERY_S = 1.0


def check(dyno: Dyno, settings: Settings) -> None:
    """Refuse to serve without a password, or a backend of an app that nobody allowed.

    Raises:
        ConfigError: with a value that would do.
    """
    if not settings.proxy_users:
        raise ConfigError(
            "SPACE_PROXY_BASIC_AUTH",
            "must be set: without a password the proxy would show the cluster to everybody, so it serves nothing",
            example="spark:{PLAIN}$(openssl rand -hex 16)",
        )
    refuse_unusable(settings.proxy_users)
    default = settings.proxy_default
    allowed = topology.shown_apps(dyno, settings)
    if default and default.app not in allowed:
        raise ConfigError(
            "SPACE_PROXY_DEFAULT_BACKEND",
            f"must be a dyno of this app, or of one in SPARKSPACE_PROXY_APPS ({', '.join(sorted(allowed))})",
            str(default),
            f"1.master.{dyno.app_domain}:8080",
        )


def listening(dyno: Dyno, env: Mapping[str, str]) -> str:
    """Where nginx listens: on $PORT everywhere, as the router wants it; on loopback only, when the dyno is there.

    Raises:
        PlatformError: there is no PORT.
    """
    port = env.get("PORT", "")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise PlatformError(
            f"PORT is {port!r}: only a web dyno gets one, and the proxy listens there.",
            "Run bin/space-proxy as the process type web: heroku ps:scale web=1",
        )
    return f"{dyno.private_ip}:{port}" if dyno.private_ip.startswith("127.") else port


class Door:
    """The web process of one dyno."""

    def __init__(self, dyno: Dyno, settings: Settings, env: Mapping[str, str], program: str, folder: Path) -> None:
        self._dyno = dyno
        self._settings = settings
        self._folder = folder
        self._nginx = Nginx(program, folder)
        self._attempts = Attempts(folder / "banned")
        self._seal = Seal(settings.proxy_users, dyno.app_domain)
        self._lookout = Lookout(dyno, settings, self._follow)
        pages = Pages(dyno.app_name, settings.reverse_proxy_url)
        self._desk = Desk(self._lookout, self._attempts, self._seal, pages, settings.secret, Formation(dyno, env))
        self._routes = Routes(
            app=dyno.app_name,
            listen=listening(dyno, env),
            folder=str(folder),
            access_log=access_log(),
            workers=min(MOST_WORKERS, sizing.capacity(env).cores),
            as_root=os.geteuid() == 0,
            public_url=settings.reverse_proxy_url,
        )

    def _follow(self, view: View) -> None:
        """Have nginx go where the lookout saw things."""
        known = view.chosen.items()
        chosen = tuple(
            Chosen(self._seal.token(backend), where) for name, where in known if (backend := self._lookout.known(name))
        )
        routes = replace(
            self._routes,
            default=view.default,
            master=view.master,
            history=view.history,
            notebook=view.notebook,
            chosen=chosen,
        )
        if self._nginx.apply(routes):
            event("routes", default=view.default or "none", history=view.history or "none", chosen=len(chosen))

    async def keep(self) -> None:
        """Serve until SIGTERM or SIGINT, then let everybody finish.

        Raises:
            CheckFailed: nginx or the desk ended by itself; the other has been ended too.
        """
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        self._resolve_safely()
        self._nginx.prepare(self._settings.proxy_users)
        runner = await self._desk.serve(self._folder / "desk")
        await self._nginx.start(self._routes)
        try:
            await self._until(stopping)
        finally:
            event("stopping", what="nginx")
            await self._nginx.stop()
            await runner.cleanup()

    def _resolve_safely(self) -> None:
        """One name at a time in a box on loopback: libnss-wrapper 1.1 reads its file anew without a lock, and two
        threads that resolve just then hang for ever (``nwrap_files_cache_reload``)."""
        if self._dyno.private_ip.startswith("127."):
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))

    async def _until(self, stopping: asyncio.Event) -> None:
        """Return when it is time to stop.

        Raises:
            CheckFailed: something else ended first.
        """
        assert self._nginx.process
        works: dict[str, Coroutine[Any, Any, object]] = {
            "": stopping.wait(),
            "nginx": self._nginx.process.wait(),
            "the lookout": self._lookout.watch(),
            "the desk": self._sweep(),
        }
        tasks = {asyncio.ensure_future(work): name for name, work in works.items()}
        ended, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        task = ended.pop()
        first, error = tasks[task], task.exception()
        if first and not stopping.is_set():
            event("died", what=first, code=self._nginx.process.returncode if first == "nginx" else "none")
            cause = f"Its error: {error!r}" if error else "Look above for what it said."
            raise CheckFailed(f"{first} ended by itself, and the web process with it.", cause) from error

    async def _sweep(self) -> None:
        while True:
            self._attempts.sweep()
            await asyncio.sleep(SWEEP_EVERY_S)


def access_log() -> str:
    """Where nginx writes a line a request: our own stdout, if it can be opened anew (a socket can't)."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/stdout", os.O_WRONLY | os.O_APPEND))
        return "/dev/stdout"
    event("access-log", warning="stdout-can-not-be-opened-anew", access_log="off")
    return "off"


def serve(dyno: Dyno, settings: Settings, env: Mapping[str, str]) -> None:
    """Be the web process until it is stopped.

    Raises:
        CheckFailed, ConfigError, LaunchError, PlatformError: it can't be, or no longer.
    """
    check(dyno, settings)
    program = find(env)
    # The name of a socket has room for 107 characters (unix(7)), and nginx's configuration for plain ones.
    parent = tempfile.gettempdir() if re.fullmatch(r"[\w./-]{1,70}", tempfile.gettempdir(), re.ASCII) else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="sparkspace-proxy-", dir=parent))
    try:
        door = Door(dyno, settings, env, program, folder)
        event("serving", dyno=dyno.name, port=env.get("PORT", ""), users=len(settings.proxy_users), nginx=program)
        asyncio.run(door.keep())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
