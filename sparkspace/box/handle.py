"""The box from outside: open it, find it again, close it, and clean up after one that died."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from .. import launch
from ..config import VARS, refuse_misspelt
from ..errors import BoxError, ConfigError, UsageError
from . import network, procfile, slug, vars
from .formation import first_formation
from .limits import Limits
from .record import LOG, PREFIX, Box, forget, held, recorded, write
from .sockets import address_of, listening_socket, url_of

ROOT = Path(__file__).resolve().parent.parent.parent
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Folders of the box that all its dynos see, as they would a bucket, by the config vars that name them.
RECOVERY = "SPARKSPACE_RECOVERY_DIR"
SHARED = {
    "SPARKSPACE_EVENT_LOG_DIR": "events",
    "SPARKSPACE_MODULES_DIR": "modules",
    "SPARKSPACE_NOTEBOOKS_DIR": "notebooks",
    RECOVERY: "recovery",
}
CLOSE_WITHIN_S = 45.0  # the 30 s that dynos have, and some for ourselves


@dataclass(frozen=True)
class Wishes:
    """What ``sparkspace up`` can be asked for."""

    app: str = "sparkspace"
    network: str = "auto"
    port: int = 0
    web_port: int = 0
    tls: bool = False
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    leash: bool = False
    dns_lag_s: int = 0
    slug: Path | None = None  # boot this instead of the app's folder


def config_vars(source: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The config vars to begin with: the app's ``.env``, over it what the shell has set; or made.

    Raises:
        ConfigError: a value is wrong, or a name is misspelt.
    """
    from dotenv import dotenv_values

    written = {name: value for name, value in dotenv_values(source / ".env").items() if value is not None}
    given = {name: value for name, value in env.items() if name in VARS or name in written}
    made = {
        "SPARKSPACE_SECRET": secrets.token_hex(32),
        "SPACE_PROXY_BASIC_AUTH": f"spark:{{PLAIN}}{secrets.token_hex(8)}",
    }
    config = {**made, **written, **given}
    try:
        refuse_misspelt(env)
        vars.check(config)
    except ConfigError as error:
        in_file = written.get(error.var)
        error.cure = beside_the_file(error.cure, ".env" if env.get(error.var, in_file) == in_file else "the shell")
        raise
    return config


def beside_the_file(cure: str, place: str) -> str:
    """What to type before a box is open: there is nothing yet that ``config:set`` could change."""
    cure = cure.replace("Set it with: heroku config:set ", f"Set it in {place}: ")
    return cure.replace("Remove it with: heroku config:unset ", f"Remove it from {place}: ")


def open_box(source: Path, wishes: Wishes, env: Mapping[str, str]) -> tuple[Box, subprocess.Popen[str]]:
    """Open a box. Everything that can be wrong is looked at before anything starts.

    Returns the box and its process, whose stdin is the leash if there is one.

    Raises:
        BoxError, ConfigError, LaunchError, UsageError: nothing was started, or nothing of it is left.
    """
    with slug.first_look(wishes.slug) if wishes.slug else contextlib.nullcontext(source) as code:
        formation = first_formation(procfile.read(code), code, wishes.quantities, wishes.sizes)
    config = config_vars(source, env)
    if wishes.slug and wishes.network == "loopback":
        raise UsageError("A slug lies in /app, which takes namespaces: there is none on loopback.", "up --slug FILE")
    programs = {"path": SYSTEM_PATH} if wishes.slug else machines_own(env)
    kind, lack = network.choose("namespaces" if wishes.slug else wishes.network)
    if wishes.dns_lag_s and kind == "loopback":
        raise UsageError("Names can lag in namespaces only: on loopback they are in a file.", "up --network namespaces")
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(listening_socket(wishes.port))
        web = stack.enter_context(listening_socket(wishes.web_port))
        rendezvous = stack.enter_context(listening_socket(0))
        lock = stack.enter_context(held(source))
        sweep(source)
        folder = tempfile.mkdtemp(prefix=PREFIX)
        box = Box(
            app=wishes.app,
            url=url_of(api, tls=False),
            token=secrets.token_urlsafe(24),
            pid=0,
            folder=folder,
            network=kind,
            limits="",
            notice=lack,
            source=str(source),
            web=url_of(web, wishes.tls) if any(line.type == "web" for line in formation) else "",
        )
        spec = {
            **asdict(box),
            "formation": [asdict(line) for line in formation],
            "config": {**shared_disk(config, folder), **config},
            **programs,
            "slug": str(wishes.slug.resolve()) if wishes.slug else "",
            "socket": api.fileno(),
            "web_socket": web.fileno(),
            "tls": wishes.tls,
            "dns_lag_s": wishes.dns_lag_s,
            "rendezvous": f"rendezvous://{address_of(rendezvous)}",
            "rendezvous_socket": rendezvous.fileno(),
            "lock": lock,
            "leash": wishes.leash,
        }
        write(source, box)
        return start(source, box, spec, [api.fileno(), web.fileno(), rendezvous.fileno(), lock])


def machines_own(env: Mapping[str, str]) -> dict[str, str]:
    """What dynos that were not built use of this machine: its Python, its Java, and the Spark beside that Python.

    Raises:
        LaunchError: one of them is missing.
    """
    launch.spark_home(env)
    path = f"{os.path.dirname(sys.executable)}:{SYSTEM_PATH}"
    return {"java_home": str(launch.java_home(env)), "path": path}


def shared_disk(config: Mapping[str, str], folder: str) -> dict[str, str]:
    """Config vars for what the dyno's own disk is not for: folders that all dynos of the box see, as a bucket.

    A master's state is in a folder also where there is a bucket: boxes of one bucket have apps of one name, and masters
    of one folder depose each other.
    """
    has_bucket = bool(config.get("SPARK_S3_BUCKET_NAME"))
    places = {var: Path(folder) / name for var, name in SHARED.items() if var == RECOVERY or not has_bucket}
    for place in places.values():
        place.mkdir()
    return {var: place.as_uri() for var, place in places.items()}


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
    write(source, ready)
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
