"""Boxes to test: a copy of the repository, or a tiny app, in a folder of the test's own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = """\
quiet: sleep 1000
noisy: while true; do echo tick; sleep 0.2; done
"""


class Box:
    """A box in ``folder``, driven by ``bin/sparkspace`` as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = folder / "bin" / "sparkspace"  # a copy of the repository has one
        self.launcher = str(own if own.exists() else ROOT / "bin" / "sparkspace")

    def __call__(
        self,
        *args: str,
        code: int | None = 0,
        stdin: str = "",
        timeout: float = 300,
        env: dict[str, str] | None = None,
        traceback: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``bin/sparkspace …``, and insist on its exit code (None: any), and that there is no ``traceback``."""
        run = subprocess.run(
            [self.launcher, *args],
            cwd=self.folder,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout,
            env={**clean_environment(), **(env or {})},
        )
        # Not text=True, which would turn the carriage returns that a dyno printed into line ends.
        done = subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())
        assert code is None or done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert traceback or "Traceback" not in done.stderr
        return done

    def out(self, *args: str, **options: object) -> str:
        """What ``bin/sparkspace …`` printed."""
        return self(*args, **options).stdout  # type: ignore[arg-type]

    @property
    def record(self) -> dict[str, str]:
        """What ``.sparkspace/box.json`` says."""
        return json.loads((self.folder / ".sparkspace" / "box.json").read_text())

    def api(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        """Call the box's API; ``path`` is below the app unless it begins with a slash."""
        record = self.record
        url = record["url"] + (path if path.startswith("/") else f"/apps/{record['app']}/{path}")
        headers = {"Authorization": f"Bearer {record['token']}", **headers}
        return requests.request(method, url, json=body, headers=headers, timeout=60)

    def dynos(self) -> dict[str, dict[str, str]]:
        """Name → dyno, as the API has it."""
        return {dyno["name"]: dyno for dyno in self.api("GET", "dynos").json()}

    def address(self, dyno: str) -> str:
        """Where the name of a dyno points to, asked inside the box."""
        process_type, _, number = dyno.partition(".")
        name = f"{number}.{process_type}.{self.record['app']}.app.localspace"
        return self.out("run", f"getent hosts {name} | cut -d' ' -f1").strip()

    def log(self, after: str = "") -> list[str]:
        """The lines of the log, after one that was its ``last``: up to 1500, for Heroku keeps no more."""
        url = self.api("POST", "log-sessions", {"lines": 1500}).json()["logplex_url"]
        lines = requests.get(url, timeout=60).text.split("\n")[:-1]
        return lines[len(lines) - lines[::-1].index(after) :] if after in lines else lines

    def last(self) -> str:
        """The last line of the log so far."""
        return self.log()[-1]

    def said(self, dyno: str, text: str) -> bool:
        """Whether a dyno has printed this line."""
        return any(line.partition(" ")[2] == f"app[{dyno}]: {text}" for line in self.log())


def clean_environment() -> dict[str, str]:
    """An environment without this machine's dyno-like variables, and hostile to Python."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "PYTHONHOME": "/nonexistent", "PYTHONPATH": "/nonexistent"}


def until(what: Callable[[], object], timeout_s: float = 60, every_s: float = 0.2) -> None:
    """Wait until ``what()`` is true; it is asked once more when the time is up, so that its failure is shown."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(AssertionError, LookupError, OSError):
            if what():
                return
        time.sleep(every_s)
    assert what()


def processes_of(folder: str) -> list[str]:
    """Command lines of all processes that know of a box's folder: in their arguments, environment or current folder."""
    return list(_knowing(folder).values())


def _knowing(folder: str) -> dict[int, str]:
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if any(folder in word for word in words):
                found[process.pid] = " ".join(process.cmdline())[:200]
    return found


def inside(folder: str) -> set[psutil.Process]:
    """All processes of that box's network namespaces. (A number of a namespace that is gone is soon another's.)"""
    box = {_namespace(pid) for pid in _knowing(folder)} - {"", _namespace(os.getpid())}
    return {process for process in psutil.process_iter() if _namespace(process.pid) in box}


def namespaces() -> set[str]:
    """All network namespaces that some process of this machine is in."""
    return {_namespace(pid) for pid in psutil.pids()}


def _namespace(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/net")
    return ""


@contextlib.contextmanager
def watching(folder: str) -> Iterator[set[psutil.Process]]:
    """All that are ``inside`` while something goes on."""
    found: set[psutil.Process] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            found.update(inside(folder))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def assert_nothing_is_left(record: dict[str, str]) -> None:
    """No process, folder or cgroup of the box."""
    folder = record["folder"]
    assert processes_of(folder) == []
    assert not Path(folder).exists()
    assert not record["limits"] or not Path(record["limits"]).exists()
    assert folder not in Path("/proc/mounts").read_text()


def tiny_app(folder: Path, procfile: str = TINY) -> Box:
    """An app without Spark: its dynos start in milliseconds."""
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text(procfile)
    return Box(folder)


def copy_of_repository(folder: Path) -> Box:
    """The repository as a fresh clone has it, with the packages that are installed already."""
    unwanted = shutil.ignore_patterns(".git", ".venv", ".sparkspace", "__pycache__", ".*_cache", ".env")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return Box(folder)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Box]:
    """A tiny app whose box, if the test opens one, is closed afterwards."""
    box = tiny_app(tmp_path / "app")
    yield box
    box("down")
