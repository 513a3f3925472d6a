"""The box from outside: open it, find it again, close it, and clean up after one that died."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from .. import launch
from ..config import VARS, Settings, refuse_misspelt
from ..errors import BoxError, UsageError
from . import network, procfile, space
from .formation import first_formation
from .limits import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PREFIX = "sparkspace-"  # of the box's folder, which has a file LOG from the start
LOG = "supervisor.log"
CLOSE_WITHIN_S = 45.0  # the 30 s that dynos have, and some for ourselves


@dataclass(frozen=True)
class Wishes:
    """What ``sparkspace up`` can be asked for."""

    app: str = "sparkspace"
    network: str = "auto"
    port: int = 0
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    leash: bool = False


@dataclass(frozen=True)
class Box:
    """A box that was opened: what ``.sparkspace/box.json`` holds."""

    app: str
    url: str
    token: str = field(repr=False)
    pid: int
    folder: str
    network: str
    limits: str
    notice: str
    source: str


def state_folder(source: Path) -> Path:
    """Where a box of this app keeps its lock and record."""
    return source / ".sparkspace"


def app_folder(start: Path) -> Path:
    """The folder with the Procfile: ``start``, or the nearest above it.

    Raises:
        BoxError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "Procfile").is_file():
            return folder
    raise BoxError(f"There is no Procfile in {start}, nor above it.", "Go to the folder of the app, and try again.")


def find(source: Path) -> Box:
    """The open box of this app.

    Raises:
        BoxError: there is none, or it has died.
    """
    box = recorded(source)
    if box is None:
        raise BoxError("No box is open here.", "Open one with: bin/sparkspace up --detach")
    if not is_held(source):
        raise BoxError("The box that was open here has died.", "Clean up after it with: bin/sparkspace down")
    return box


def recorded(source: Path) -> Box | None:
    """What the last box of this app left in its record; None if it closed properly, or there was none.

    A record that came here with a copy of the folder, or names a folder that is not ours, is none.
    """
    try:
        box = Box(**json.loads((state_folder(source) / "box.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return box if box.source == str(source) and is_a_boxs(Path(box.folder)) else None


def is_a_boxs(folder: Path) -> bool:
    """Whether this can be the folder of a box of this user's: the record could say anything, and it will be removed."""
    if not folder.exists():
        return folder.name.startswith(PREFIX)
    ours = folder.stat().st_uid == os.geteuid() and (folder / LOG).is_file()
    return folder.name.startswith(PREFIX) and ours and not folder.is_symlink()


def is_held(source: Path) -> bool:
    """Whether a box of this app lives: its process holds a lock, which the kernel takes from the dead."""
    try:
        with open(state_folder(source) / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise BoxError(f"A box of another user is, or was, open in {source}.", "Use a clone of your own.") from None


@contextlib.contextmanager
def held(source: Path) -> Iterator[int]:
    """Hold the lock, as the box of this app or to clean up after it. A process that inherits it holds it too.

    Raises:
        BoxError: somebody else holds it, or it can't be made.
    """
    path = state_folder(source) / "lock"
    while True:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            lock = open(path, "w")
        except OSError as error:
            raise BoxError(f"Can't write to {path}: {error.strerror}.", "Use a clone of your own.") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BoxError(f"A box is open already in {source}.", "Close it with: bin/sparkspace down") from None
            if path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                yield lock.fileno()
                return  # else it was removed while we waited for it, and holds nobody off


def config_vars(source: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The config vars to begin with: the app's ``.env``, over it what the shell has set, and a secret if there is none.

    Raises:
        ConfigError: a value is wrong, or a name is misspelt.
    """
    from dotenv import dotenv_values

    refuse_misspelt(env)
    written = {name: value for name, value in dotenv_values(source / ".env").items() if value is not None}
    given = {name: value for name, value in env.items() if name in VARS or name in written}
    config = {"SPARKSPACE_SECRET": secrets.token_hex(32), **written, **given}
    space.check_config(config)
    Settings.from_env(config)
    return config


def open_box(source: Path, wishes: Wishes, env: Mapping[str, str]) -> tuple[Box, subprocess.Popen[str]]:
    """Open a box. Everything that can be wrong is looked at before anything starts.

    Returns the box and its process, whose stdin is the leash if there is one.

    Raises:
        BoxError, ConfigError, LaunchError, UsageError: nothing was started, or nothing of it is left.
    """
    formation = first_formation(procfile.read(source), source, wishes.quantities, wishes.sizes)
    config = config_vars(source, env)
    launch.spark_home(env)
    java = str(launch.java_home(env))
    kind, lack = network.choose(wishes.network)
    with listening_socket(wishes.port) as listener, held(source) as lock:
        sweep(source)
        folder = tempfile.mkdtemp(prefix=PREFIX)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        box = Box(wishes.app, url, secrets.token_urlsafe(24), 0, folder, kind, "", lack, str(source))
        spec = {
            **asdict(box),
            "formation": [asdict(line) for line in formation],
            "config": config,
            "java_home": java,
            "path": f"{os.path.dirname(sys.executable)}:{SYSTEM_PATH}",
            "socket": listener.fileno(),
            "lock": lock,
            "leash": wishes.leash,
        }
        record(source, box)
        return start(source, box, spec, [listener.fileno(), lock])


def listening_socket(port: int) -> socket.socket:
    """A socket on this machine's loopback.

    Raises:
        BoxError: the port is taken, or not for us.
        UsageError: it is no port.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OverflowError:
        raise UsageError(f"{port} is not a port: it must be from 0 to 65535.") from None
    except OSError as error:
        listener.close()
        raise BoxError(
            f"Port {port} of this machine can't be had: {error.strerror}.", "Leave --port out, and a free one is taken."
        ) from None
    return listener


def start(source: Path, box: Box, spec: Mapping[str, Any], handles: Sequence[int]) -> tuple[Box, subprocess.Popen[str]]:
    """Start the box's process, and wait until it says that it is ready.

    Raises:
        BoxError: it could not open the box.
    """
    wrapper = network.space_command() if box.network == "namespaces" else []
    with open(Path(box.folder) / LOG, "w+") as stderr:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-s", "-m", "sparkspace.box.supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            pass_fds=handles,
            start_new_session=True,
            cwd="/",  # -m looks there for modules first, and the app's folder may have any
            env={"PATH": SYSTEM_PATH, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HOME": "/"},
        )
        try:
            return opened(source, box, spec, process), process
        except BoxError as error:
            stderr.seek(0)
            said = error.message or "\n".join(stderr.read().splitlines()[-5:]) or "its process ended at once"
            end(process, source)
            raise BoxError(f"The box could not be opened: {said}") from None
        except BaseException:  # Ctrl-C, mostly: half a box must not stay
            end(process, source)
            raise


def opened(source: Path, box: Box, spec: Mapping[str, Any], process: subprocess.Popen[str]) -> Box:
    """Give the box's process its spec, and put on record what it answers.

    Raises:
        BoxError: it can't open the box; without words if it has none.
    """
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(spec) + "\n")
    process.stdin.flush()
    answer = first_answer(process.stdout)
    if not answer.get("ready"):
        raise BoxError("\n".join(answer.get("error", [])))
    unenforced = answer["unenforced"] and f"enforcement of memory limits, which dynos only see ({answer['unenforced']})"
    notice = "\n".join(filter(None, (box.notice, unenforced)))
    pid = supervisor_pid(process.pid, box)
    ready = Box(**{**asdict(box), "pid": pid, "limits": answer["limits"], "notice": notice})
    record(source, ready)
    return ready


def end(process: subprocess.Popen[str], source: Path) -> None:
    """End a box that did not open: unshare takes its child along, and a supervisor's end that of its dynos."""
    process.kill()
    process.wait()
    clean_up(source)


def first_answer(stream: IO[str]) -> dict[str, Any]:
    """The supervisor's first words; none if it died before."""
    line = stream.readline()
    with contextlib.suppress(ValueError):
        answer = json.loads(line)
        return answer if isinstance(answer, dict) else {}
    return {}


def supervisor_pid(pid: int, box: Box) -> int:
    """The supervisor itself: in namespaces, the child of the ``unshare`` that we started."""
    from .line import first_child

    return first_child(pid) if box.network == "namespaces" else pid


def record(source: Path, box: Box) -> None:
    """Write the record, readable by its owner alone: it has the API's token."""
    folder = state_folder(source)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(folder / "box.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(box), file)
    except OSError as error:
        raise BoxError(f"Can't write to {folder}: {error.strerror}.", "Use a clone of your own.") from error


def close(source: Path, box: Box) -> None:
    """Ask the box to close, wait until it has, and make sure of it.

    Raises:
        BoxError: it is only just being opened, or can't be ended.
    """
    import psutil

    if not box.pid:
        raise BoxError("The box is just being opened.", "Try again in a moment.")
    with contextlib.suppress(psutil.NoSuchProcess):
        supervisor = psutil.Process(box.pid)
        unshare = supervisor.parents()[:1] if box.network == "namespaces" else []
        supervisor.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs([supervisor, *unshare], timeout=CLOSE_WITHIN_S)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)
    left = recorded(source)
    if left and left.folder == box.folder:  # else somebody has cleaned up already, or opened another
        with held(source):
            clean_up(source)


def clean_up(source: Path) -> list[str]:
    """Remove all that a box that is no more has left; the lock must be held, and goes last. Returns what there was."""
    found = sweep(source)
    forget(source)
    return found


def sweep(source: Path) -> list[str]:
    """Remove what a box that is no more has left outside the app's folder. Returns what there was, in words."""
    box = recorded(source)
    killed = kill_strays(box.folder) if box else []
    found = [f"{len(killed)} processes ({', '.join(map(str, killed))})"] if killed else []
    if box:
        limits = Limits.path(Path(box.folder).name)
        found += [str(path) for path in (Path(box.folder), limits) if path.exists()]
        Limits.remove_all(limits)
        shutil.rmtree(box.folder, ignore_errors=True)
    return found


def forget(source: Path) -> None:
    """Remove the record and the lock of a box that is no more; the lock must be held."""
    folder = state_folder(source)
    for name in ("box.json", "lock"):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def kill_strays(folder: str) -> list[int]:
    """Kill what still runs in a dyno of this box: its TMPDIR tells, on loopback. In namespaces nothing can be left."""
    import psutil

    strays = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR", "").startswith(f"{folder}/"):
                process.kill()
                strays.append(process)
    psutil.wait_procs(strays, timeout=5)
    return [process.pid for process in strays]
