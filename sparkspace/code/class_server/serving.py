"""The class server as a process: what it serves, where, and until when."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ... import ports
from ...cluster.class_server import release_of
from ...cluster.signature import Key
from ...config import Dyno, Settings
from ...errors import ConfigError, PlatformError, UsageError
from ...log import event
from .. import roots
from ..compiled import class_folders
from ..push.source import root_of
from ..roots import Root
from ..tree import Watch
from .blobs import Blobs
from .pushes import Pushes
from .release import Release
from .served import Folder, Jar, Served, Sources
from .server import ClassServer


def served(classes: Sequence[Path], python: Sequence[Root]) -> dict[str, list[Served]]:
    """What is read from where. A folder may be made later."""
    return {
        "classes": [Jar(path) if path.is_file() else Folder(path) for path in classes],
        "python": [Sources(Watch(root)) for root in python],
    }


def serve(
    dyno: Dyno, settings: Settings, env: Mapping[str, str], app: Path, classes: Sequence[Path], python: Sequence[Path]
) -> None:
    """Be the class server until SIGTERM or SIGINT.

    Raises:
        ConfigError, PlatformError, UsageError: it can't be.
    """
    if not settings.secret:
        raise ConfigError(
            "SPARKSPACE_SECRET", "must be set: it is what keeps strangers out", "", "$(openssl rand -hex 32)"
        )
    for path in (*classes, *python):
        if not path.exists():
            raise UsageError(f"There is no {path}.", "Compile first, or name the folders: bin/class-server FOLDER…")
    own = [root_of(path.resolve(), named=True) for path in python] or [root_of(roots.project(app) or app)]
    found = served(classes or class_folders(env, app), own)
    folder = Path(tempfile.mkdtemp(prefix="sparkspace-pushed-"))
    try:
        blobs, release = Blobs(folder), release_of(env)
        server = ClassServer(Key(settings.secret), Release(found), Pushes(blobs, release))
        event(
            "serving", dyno=dyno.name, port=ports.CLASS_SERVER, classes=len(found["classes"]),
            python=len(found["python"]), release=release or "unknown",
        )  # fmt: skip
        asyncio.run(_until_stopped(server, dyno.private_ip))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _until_stopped(server: ClassServer, host: str) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        runner = await server.serve(host, ports.CLASS_SERVER)
    except OSError as error:
        raise PlatformError(f"Can't listen on {host}:{ports.CLASS_SERVER}: {error.strerror}.") from None
    await stopping.wait()
    await runner.cleanup()
