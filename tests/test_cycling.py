"""The parents of Spark's processes, with small programs in Spark's place: who gets which signal, and how all ends."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sparkspace.cycling import executor, launching, processes, worker
from sparkspace.launch import Command

from .launchers import ROOT

# The parent, with shorter times: constants of its module, as NAME=SECONDS, then kind and command.
PARENT = """\
import importlib, os, sys
sys.path.insert(0, sys.argv[1])
module = importlib.import_module(f"sparkspace.cycling.{sys.argv[2]}")
for pair in sys.argv[3].split():
    name, value = pair.split("=")
    assert hasattr(module, name)
    setattr(module, name, float(value))
sys.exit(getattr(module, sys.argv[2].title())(sys.argv[4:], os.environ).keep())
"""
# In the Worker's place: a process with two children, in the folders of executors. At SIGPWR the children are told to
# end, if they are of the kind that does.
WORKER = """\
import os, signal, subprocess, sys, time
folder, child, *deaf = sys.argv[1:]
children = []
for name in "01":
    os.makedirs(f"{folder}/app-1/{name}")
    with open(f"{folder}/app-1/{name}/stderr", "w") as log:
        command = [sys.executable, "-I", "-S", "-c", child]
        children.append(subprocess.Popen(command, cwd=f"{folder}/app-1/{name}", stdout=-1, stderr=log))
    children[-1].stdout.readline()
def tell(*_):
    print("asked", file=sys.stderr, flush=True)
    if deaf:  # as it is while it handles one
        signal.signal(signal.SIGPWR, signal.SIG_DFL)
    for each in children:
        each.send_signal(signal.SIGUSR1)
signal.signal(signal.SIGPWR, tell)
print("up", *(each.pid for each in children), flush=True)
while True:
    time.sleep(0.05)
    for each in children:
        each.poll()
"""
DEAF = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); signal.pthread_sigmask(signal.SIG_BLOCK, {15})\n"
WILLING = f"""{DEAF}
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(print("handed on", file=sys.stderr)))
print("ready", flush=True)
time.sleep(99)
"""
ENDLESS = f"""{DEAF}
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(99)
"""
# It has threads of these names, as an executor's JVM has, some only after the Worker was asked, and leaves at SIGPWR,
# unless it is of the kind that doesn't.
EXECUTOR = f"""{DEAF}
import os, threading
def be(name):
    with open(f"/proc/self/task/{{threading.get_native_id()}}/comm", "w") as file:
        file.write(name)
    named.release()
    time.sleep(99)
named = threading.Semaphore(0)
def begin(names):
    while names:
        threading.Thread(target=be, args=[names.pop()], daemon=True).start()
        named.acquire()
begin(NAMES)
later = LATER
signal.signal(signal.SIGUSR1, lambda *_: begin(later))
if HEARS:
    signal.signal(signal.SIGPWR, lambda *_: sys.exit(print("told\\nleft", file=sys.stderr) or time.sleep(1)))
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


class Kept:
    """A command below its parent, in a session of its own: what the platform would signal as one."""

    def __init__(self, kind: str, times: str, *command: str, **env: str) -> None:
        argv = [sys.executable, "-c", PARENT, str(ROOT), kind, times, *command]
        self.process = subprocess.Popen(
            argv, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout
        self.said = self.process.stdout.readline().split()
        self.began = time.monotonic()

    def term(self) -> None:
        """SIGTERM to all."""
        os.killpg(self.process.pid, signal.SIGTERM)

    def end(self) -> tuple[int, str, float]:
        """Exit code, stderr, seconds since it was up."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said, time.monotonic() - self.began


@pytest.fixture
def keep() -> Iterator[Callable[..., Kept]]:
    """Start ``Kept``; nothing of it is left."""
    started: list[Kept] = []

    def start(*args: str, **env: str) -> Kept:
        started.append(Kept(*args, **env))
        return started[-1]

    yield start
    for each in started:
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == each.process.pid:
                    process.kill()
            except (psutil.Error, OSError):
                continue
        each.process.communicate(timeout=30)


def test_worker_is_drained(keep: Callable[..., Kept], tmp_path: Path) -> None:
    kept = keep("worker", "", sys.executable, "-c", WORKER, str(tmp_path), WILLING)
    for _ in range(3):
        kept.term()
    code, said, _ = kept.end()
    assert code == 0
    assert "sparkspace at=draining executors=2 within=26s\n" in said
    assert "executor=app-1/0 handed on\n" in said and "executor=app-1/1 handed on\n" in said
    assert "executors_left=0" in said
    until(lambda: not processes.parents().keys() & set(map(int, kept.said[1:])))


def test_worker_whose_tasks_never_end_is_cut_off(keep: Callable[..., Kept], tmp_path: Path) -> None:
    times = "DRAIN_WITHIN_S=2 GONE_WITHIN_S=3"
    stubborn = ENDLESS.replace("print", "signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint")
    kept = keep("worker", times, sys.executable, "-c", WORKER, str(tmp_path), stubborn)
    kept.term()
    time.sleep(0.7)
    kept.term()
    code, said, seconds = kept.end()
    assert code == 130
    assert "sparkspace at=cut-off" in said and "executors_left=2" in said
    assert seconds >= 2
    until(lambda: not processes.parents().keys() & set(map(int, kept.said[1:])))


KNOWN, LEAVING = "executor-heartbeater", "wait-for-blocks-to-migrate"


def executor_with(names: tuple[str, ...], hears: bool = True, later: tuple[str, ...] = ()) -> str:
    """The program."""
    values = {"NAMES": list(names), "HEARS": hears, "LATER": list(later)}
    return functools.reduce(lambda text, name: text.replace(name, repr(values[name])), values, EXECUTOR)


@pytest.mark.parametrize(
    ("names", "hears", "is_told"),
    [((KNOWN,), True, True), ((KNOWN, LEAVING), True, False), ((), True, False), ((KNOWN,), False, False)],
)
def test_executor_that_has_heard_nothing_is_told(
    keep: Callable[..., Kept], tmp_path: Path, names: tuple[str, ...], hears: bool, is_told: bool
) -> None:
    times = "REPEAT_EVERY_S=0.4 MASTER_WITHIN_S=2 DRAIN_WITHIN_S=5 GONE_WITHIN_S=6"
    kept = keep("worker", times, sys.executable, "-c", WORKER, str(tmp_path), executor_with(names, hears))
    kept.term()
    code, said, _ = kept.end()
    assert ("executor=app-1/0 left\n" in said and "executor=app-1/1 left\n" in said) == is_told
    assert ("sparkspace at=executors-told executors=2 " in said) == is_told
    assert said.count("at=executors-told") == is_told
    asked = said.partition("at=executors-told")[0].count("asked\n")
    assert asked >= 3 if is_told else asked == 1
    assert said.count("asked\n") == asked
    assert said.count(" told\n") == 2 * is_told
    assert f"executors_left={0 if is_told else 2}" in said
    assert code == (0 if is_told else 130)


def test_executor_that_was_just_starting_is_told_at_once(keep: Callable[..., Kept], tmp_path: Path) -> None:
    """To ask the Worker again would be of no use. But their drivers may be about to tell them."""
    times = "REPEAT_EVERY_S=1.5 MASTER_WITHIN_S=19 DRAIN_WITHIN_S=18 GONE_WITHIN_S=19"
    kept = keep("worker", times, sys.executable, "-c", WORKER, str(tmp_path), executor_with((), later=(KNOWN,)))
    kept.term()
    code, said, seconds = kept.end()
    assert code == 0
    assert seconds > 1.5 + 1  # they take a second to leave
    assert said.count("asked\n") == 1 and said.count(" told\n") == 2 and said.count(" left\n") == 2


def test_worker_is_not_asked_while_it_would_end_by_it(keep: Callable[..., Kept], tmp_path: Path) -> None:
    times = "REPEAT_EVERY_S=0.4 MASTER_WITHIN_S=2 DRAIN_WITHIN_S=5 GONE_WITHIN_S=6"
    kept = keep("worker", times, sys.executable, "-c", WORKER, str(tmp_path), executor_with((KNOWN,)), "deaf")
    kept.term()
    code, said, _ = kept.end()
    assert code == 0
    assert said.count("asked\n") == 1 and said.count(" left\n") == 2


def test_what_spark_wants_ended_is_ended_and_nothing_else(keep: Callable[..., Kept], tmp_path: Path) -> None:
    kept = keep("worker", "", sys.executable, "-c", WORKER, str(tmp_path), ENDLESS)
    first, second = map(int, kept.said[1:])
    os.kill(first, signal.SIGTERM)
    until(lambda: first not in processes.parents())
    time.sleep(3 * worker.LOOK_EVERY_S)
    assert second in processes.parents()
    assert kept.process.poll() is None


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("exit 0", 0), ("kill -9 $$", 137), ("kill -3 $$", 131)])
@pytest.mark.parametrize("kind", ["worker", "driver"])
def test_end_of_its_own_is_passed_on(keep: Callable[..., Kept], kind: str, script: str, code: int) -> None:
    ended, said, _ = keep(
        kind, "", "/bin/sh", "-c", f"ulimit -c 0; echo up; {script}", SPARK_LOCAL_IP="127.0.0.1"
    ).end()
    assert (ended, said) == (code, "")


def test_ctrl_c_ends_a_worker_at_once(keep: Callable[..., Kept], tmp_path: Path) -> None:
    kept = keep("worker", "", sys.executable, "-c", WORKER, str(tmp_path), ENDLESS)
    kept.process.send_signal(signal.SIGINT)
    code, said, _ = kept.end()
    assert code == 130
    assert "draining" not in said


# A shell that ends at SIGTERM at once, and its JVM, which takes a while.
SHELL = """\
{python} -c '
import signal, sys, time
def end(*_): time.sleep(1); print("closed", file=sys.stderr, flush=True); sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(99)' & wait
"""


def test_driver_is_waited_for_though_its_shell_ends(keep: Callable[..., Kept]) -> None:
    kept = keep("driver", "", "/bin/bash", "-c", SHELL.format(python=sys.executable), SPARK_LOCAL_IP="127.0.0.1")
    kept.term()
    kept.term()
    code, said, _ = kept.end()
    assert said.splitlines() == [
        "sparkspace at=stopping signal=SIGTERM stages=0",
        "closed",
        "sparkspace at=stopped processes_left=0",
    ]
    assert code == 143


def test_driver_that_does_not_end_is_ended(keep: Callable[..., Kept]) -> None:
    stubborn = "trap '' TERM; echo up; while true; do sleep 0.1; done"
    kept = keep("driver", "GONE_WITHIN_S=1", "/bin/bash", "-c", stubborn, SPARK_LOCAL_IP="127.0.0.1")
    kept.term()
    code, said, _ = kept.end()
    assert "sparkspace at=cut-off processes_left=" in said
    assert code == 137


def test_interrupt_is_the_drivers_own_business(keep: Callable[..., Kept]) -> None:
    script = "trap 'echo interrupted >&2; exit 7' INT; echo up; while true; do sleep 0.1; done"
    kept = keep("driver", "", "/bin/bash", "-c", script, SPARK_LOCAL_IP="127.0.0.1")
    os.killpg(kept.process.pid, signal.SIGINT)
    code, said, _ = kept.end()
    assert (code, said) == (7, "interrupted\n")


def test_shell_that_is_killed_leaves_a_terminal_that_echoes() -> None:
    script = "stty -echo -icanon; stty -a; kill -9 $$"
    argv = [sys.executable, "-c", PARENT, str(ROOT), "driver", "", "/bin/sh", "-c", script]
    child, terminal = pty.fork()
    if not child:
        os.execve(argv[0], argv, {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_SHELL": "1"})
    before, said = termios.tcgetattr(terminal), b""
    with contextlib.suppress(OSError):  # the terminal's end
        while more := os.read(terminal, 4096):
            said += more
    assert b" -echo " in said
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 137
    assert termios.tcgetattr(terminal) == before
    os.close(terminal)


# In a driver's place: its page, as far as it is asked. Beside it one that answers nonsense.
PAGE = """\
import http.server, json, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        stage = {"stageId": 3, "name": "collect at job.py:7", "numTasks": 8, "numCompleteTasks": 5, "numActiveTasks": 2}
        known = {"/api/v1/applications": [{"id": "app-1"}], "/api/v1/applications/app-1/stages?status=active": [stage]}
        body = json.dumps(known[self.path]).encode() if sys.argv[2] == "sense" else b"<"
        self.send_response(200), self.end_headers(), self.wfile.write(body)
        if "stages" in self.path:
            print("asked", file=sys.stderr, flush=True)
    log_message = lambda *_: None
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page)
print("up", flush=True)
server.serve_forever()
"""


def test_driver_says_what_was_running(keep: Callable[..., Kept]) -> None:
    sense, nonsense = free_ports()
    one = f"{sys.executable} -c '{PAGE}'"
    script = f"{one} {nonsense} nonsense >/dev/null & exec {one} {sense} sense"
    times = "FIRST_LOOK_AFTER_S=0 LOOK_EVERY_S=0.2"
    kept = keep("driver", times, "/bin/bash", "-c", script, SPARK_LOCAL_IP="127.0.0.1")
    assert kept.process.stderr
    assert kept.process.stderr.readline() == "asked\n"
    time.sleep(0.3)
    kept.term()
    code, said, _ = kept.end()
    told = [line for line in said.splitlines() if line.startswith("sparkspace")]
    assert told == [
        "sparkspace at=stopping signal=SIGTERM stages=1",
        'sparkspace at=running application=app-1 stage=3 name="collect at job.py:7" tasks=5/8 now=2',
        "sparkspace at=stopped processes_left=0",
    ]
    assert code == 143


def free_ports() -> list[int]:
    """Two of those that drivers' pages have, and nobody listens on here."""
    found = []
    for port in range(4060, 4040, -1):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found[:2]


JAVA = """\
#!{python} -IS
import json, os, signal, sys
blocked, ignored = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(15) == signal.SIG_IGN
print(json.dumps([sys.argv[1:], 15 in blocked, ignored, os.environ["JAVA_HOME"], os.environ.get("PYTHONPATH")]))
print(os.environ.get("SPARK_EXECUTOR_DIRS"), os.getpid())
"""


@pytest.mark.parametrize("path", [None, "/usr:/"])
def test_java_of_a_worker_is_deaf_for_executors_alone(tmp_path: Path, path: str | None) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text(JAVA.format(python=sys.executable))
    (tmp_path / "bin" / "java").chmod(0o755)
    env = {"JAVA_HOME": str(tmp_path), "PATH": os.defpath, **({"PYTHONPATH": path} if path else {})}
    command = launching.worker(Command(("/bin/spark-class", "x"), env))
    assert command.argv[-3:] == ("worker", "/bin/spark-class", "x")

    def java(*args: str) -> list[object]:
        done = subprocess.run(
            [f"{command.env['JAVA_HOME']}/bin/java", *args], env=dict(command.env), capture_output=True
        )
        found: list[object] = json.loads(done.stdout.splitlines()[0])
        return found

    daemon = f"-Dspark.python.daemon.module={executor.DAEMON}"
    deaf = [[daemon, "-cp", "a b", executor.EXECUTOR, "$x"], True, True, str(tmp_path)]
    assert java("-cp", "a b", executor.EXECUTOR, "$x") == [
        *deaf,
        ":".join(filter(None, [path, executor.DAEMON_FOLDER])),
    ]
    assert java("-cp", "a b", "org.apache.spark.launcher.Main") == [
        ["-cp", "a b", "org.apache.spark.launcher.Main"], False, False, str(tmp_path), path,
    ]  # fmt: skip


def test_executor_has_folders_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text(JAVA.format(python=sys.executable))
    (tmp_path / "bin" / "java").chmod(0o755)
    env = {"JAVA_HOME": str(tmp_path), "PATH": os.defpath, executor.SCRATCH_VAR: f"{tmp_path}/a:{tmp_path}/b"}
    command = launching.worker(Command(("/bin/spark-class",), env))
    for words in ([executor.EXECUTOR], ["org.apache.spark.launcher.Main"]):
        java = [f"{command.env['JAVA_HOME']}/bin/java", *words]
        done = subprocess.run(java, env=dict(command.env), capture_output=True, text=True)
        dirs, pid = done.stdout.splitlines()[1].split()
        own = [Path(folder) for folder in dirs.split(":")]
        if words == [executor.EXECUTOR]:
            assert own == [tmp_path / "a" / f"of-{pid}", tmp_path / "b" / f"of-{pid}"]
            assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in own)
        else:
            assert dirs == env[executor.SCRATCH_VAR]


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)
