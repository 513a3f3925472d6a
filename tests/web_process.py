"""A real nginx with our configuration, and the desk behind it, in front of a class server: all on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sparkspace.config import Dyno, Settings, User
from sparkspace.proxy.attempts import Attempts
from sparkspace.proxy.desk import Desk
from sparkspace.proxy.lookout import Lookout, View
from sparkspace.proxy.nginx import Nginx
from sparkspace.proxy.pages import Pages
from sparkspace.proxy.routes import Routes
from sparkspace.proxy.seal import Seal

from . import real_nginx
from .class_server import SECRET
from .launchers import FACTS

USER, PASSWORD = "spark", "correct-horse-battery"
USERS = (User(USER, f"{{PLAIN}}{PASSWORD}"),)


class Standing(Lookout):
    """Sees what it is told."""

    def __init__(self) -> None:
        super().__init__(Dyno.from_env(FACTS), Settings.from_env(FACTS), lambda view: None)

    def see(self, class_server: str) -> None:
        """From now on, the class server is there; empty: nowhere."""
        self.view = replace(View(), class_server=class_server)


@contextlib.contextmanager
def running(class_server: str, secret: str = SECRET) -> Iterator[tuple[int, Standing]]:
    """Its port, and its lookout."""
    with tempfile.TemporaryDirectory(prefix="web-", dir="/tmp") as name:
        folder, port, lookout = Path(name), real_nginx.free_port(), Standing()
        lookout.see(class_server)
        nginx = Nginx(real_nginx.program(), folder)
        nginx.prepare(USERS)
        routes = Routes("myapp", f"127.0.0.1:{port}", name, f"{name}/access.log", as_root=os.geteuid() == 0)
        (folder / "nginx.conf").write_text(routes.render())
        desk = Desk(lookout, Attempts(folder / "banned"), Seal(USERS, "myapp"), Pages("myapp", ""), secret)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(desk.serve(folder / "desk"), loop).result(10)
        process = subprocess.Popen([nginx.program, "-p", name, "-c", folder / "nginx.conf", "-e", f"{name}/error.log"])
        try:
            real_nginx.wait_for(port)
            yield port, lookout
        finally:
            process.terminate()
            process.wait(10)
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
