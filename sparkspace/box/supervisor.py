"""The box's own process. It holds everything: when it ends, however it ends, the box is gone.

``handle.open_box`` starts it, in the space's namespaces if there are any, with the listening socket (made outside, so
that it is on the machine's own loopback) and the spec as a JSON line on stdin: not as an argument, for it has secrets.
It answers with JSON lines on stdout until it is ready. In the foreground its stdin is a leash: at its end it closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ..errors import SparkspaceError
from . import archives, certificate, slug
from .api import application
from .dyno import Ground
from .formation import Process
from .handle import SHARED
from .limits import Limits
from .logs import Log
from .names import Names
from .network import KINDS
from .record import forget
from .rendezvous import Rendezvous
from .router import Router
from .space import Space


def main() -> int:
    """Read the spec, open the box, and keep it until it is to close."""
    spec = json.loads(sys.stdin.readline())
    os.umask(0o077)
    try:
        return asyncio.run(keep(spec))
    finally:
        clean(spec)  # the lock was handed down, and is held until we end


async def keep(spec: dict[str, Any]) -> int:
    """Open the box, say so, wait until it is to close, and close it."""
    closing = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, closing.set)
    try:
        ground = make_ground(spec)
        space = Space(ground, [Process(**line) for line in spec["formation"]], spec["config"])
        servers = await serve(spec, space)
        await space.open()
    except (SparkspaceError, OSError) as error:
        say(error=error.lines() if isinstance(error, SparkspaceError) else [str(error)])
        return 1
    if spec["leash"]:
        leash = asyncio.create_task(hold_leash(closing))
    say(ready=True, limits=ground.limits.folder, unenforced=ground.limits.problem)
    making = begin_archives(ground)
    await closing.wait()
    making.cancel()  # dynos don't wait for its end
    await space.close()
    await asyncio.wait([making])
    for close in servers:
        await close()
    if spec["leash"]:
        leash.cancel()
    return 0


def begin_archives(ground: Ground) -> asyncio.Task[None]:
    """Make class-data archives while the box is open. A slug has brought its own along."""
    return asyncio.create_task(
        asyncio.sleep(0) if ground.is_slug else archives.make(ground.log, ground.folder, ground.java_home)
    )


def make_ground(spec: dict[str, Any]) -> Ground:
    """The network, the names and the rest that all dynos stand on."""
    folder = Path(spec["folder"])
    names = Names(spec["app"], spec["dns_lag_s"])
    network = KINDS[spec["network"]]()
    network.open(names, folder)
    built = slug.unpack(Path(spec["slug"]), folder / "slug") if spec["slug"] else None
    shared = list(filter(os.path.isdir, (str(folder / name) for name in SHARED.values())))
    return Ground(
        app=spec["app"],
        source=built or Path(spec["source"]),
        is_slug=bool(built),
        folder=folder,
        network=network,
        names=names,
        limits=Limits(folder.name),
        log=Log(),
        visible=tuple(shared if built else [spec["source"], *machines_folders(spec["java_home"]), *shared]),
        path=spec["path"],
        api_token=spec["token"],
        api_url=f"http://{network.gateway}:{urlsplit(spec['url']).port}",
        java_home=spec.get("java_home", ""),
    )


def machines_folders(java_home: str) -> list[str]:
    """Where this machine has what dynos that were not built use of it."""
    return [sys.prefix, sys.base_prefix, *filter(os.path.isdir, sys.path), java_home]


async def serve(spec: dict[str, Any], space: Space) -> list[Callable[[], Awaitable[None]]]:
    """Serve the API, attached commands, and the app itself if it has a web process, on the sockets handed down.

    Returns what closes each, in the order in which they are to be closed.
    """
    tls = certificate.context(Path(spec["folder"]))
    rendezvous = Rendezvous(space, tls)
    await rendezvous.serve(socket.socket(fileno=spec["rendezvous_socket"]))
    api = application(space, spec["token"], spec["url"], spec["rendezvous"])
    runner = web.AppRunner(api, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, socket.socket(fileno=spec["socket"])).start()
    if spec["network"] == "namespaces":  # for dynos, which don't see the machine's loopback
        await web.TCPSite(runner, space.ground.network.gateway, urlsplit(spec["url"]).port).start()
    if not spec["web"]:
        os.close(spec["web_socket"])
        return [rendezvous.close, runner.cleanup]
    router = Router(space, tls if spec["tls"] else None)
    outside = await router.serve(socket.socket(fileno=spec["web_socket"]))
    return [outside.cleanup, rendezvous.close, runner.cleanup]


async def hold_leash(closing: asyncio.Event) -> None:
    """Whoever opened a box in the foreground holds the other end of our stdin."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    closing.set()


def say(**message: object) -> None:
    """A JSON line to whoever waits for the box to open."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(message), flush=True)


def clean(spec: dict[str, Any]) -> None:
    """Remove what the box has on disk."""
    folder = Path(spec["folder"])
    Limits.remove_all(Limits.path(folder.name))
    shutil.rmtree(folder, ignore_errors=True)
    forget(Path(spec["source"]))


if __name__ == "__main__":
    sys.exit(main())
