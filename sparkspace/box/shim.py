"""The first process of a dyno: makes its world, runs its command, and is the hand by which the box reaches it.

It runs by path, as ``python -I -S shim.py CONTROL_FD``, with the standard library alone, before the dyno's command
and beside it. Its standard streams are the command's; with the box it speaks over the control socket, in JSON lines::

    shim → box   {"at": "born"} · {"at": "running"} · {"at": "failed", "why": …} · {"at": "exited", "code": …}
    box → shim   the spec (see ``Spec`` in dyno.py) · {"signal": 15}

When the control socket closes, the box is gone: everything in the dyno is killed. In a PID namespace the kernel sees to
that; elsewhere this process is a subreaper, so whatever the command leaves behind becomes its child and is found.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
from typing import Any, NoReturn

MS_BIND, MS_REC, MS_NOSUID, MS_NODEV = 4096, 16384, 2, 4
PR_SET_CHILD_SUBREAPER = 36
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # by this process; its command has them as usual
OWN = ("app", "etc", "proc", "tmp")  # what a dyno has of its own in its root
# What a stack image has, and a slug may count on; and what of it somebody has installed, or Java, which no stack has.
BASE = ("bin", "dev", "lib", "lib32", "lib64", "libx32", "run", "sbin", "sys", "usr", "var")
NOT_BASE = ("/usr/local", "/usr/lib/jvm")
# Runs the command as Heroku does: in bash, after the buildpacks' .profile.d and the app's .profile.
BASH = """
shopt -s nullglob
for file in .profile.d/*.sh; do . "./$file"; done
[ ! -f .profile ] || . ./.profile
shopt -u nullglob
exec bash -c "$0"
"""

libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str = "", flags: int = MS_BIND | MS_REC, data: str = "") -> None:
    """mount(2). Raises OSError."""
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def enter_root(spec: dict[str, Any]) -> None:
    """Give the dyno a root of its own: the machine's, but with its own /app, /etc, /tmp and /proc. Then live in it."""
    root = spec["root"]
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for entry in os.scandir("/"):
        if entry.name not in OWN and (entry.name in BASE or not spec["base_only"]):
            borrow(entry.path, root + entry.path)
    for path in NOT_BASE if spec["base_only"] else ():
        if os.path.isdir(root + path):
            mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for name in OWN:
        os.mkdir(f"{root}/{name}")
    mount(spec["app"], f"{root}/app")
    mount(spec["tmp"], f"{root}/tmp")
    os.chmod(f"{root}/tmp", 0o1777)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV)
    write_etc(f"{root}/etc", spec["etc"])
    show_limit(f"{root}/sys/fs/cgroup", spec["memory_mb"])
    for path in spec["visible"]:
        if path.split("/")[1] in OWN or spec["base_only"]:
            os.makedirs(root + path, exist_ok=True)
            mount(path, root + path)
    for target, path in spec["lent"].items():
        os.makedirs(root + target)
        mount(path, root + target)
    os.chroot(root)


def borrow(path: str, target: str) -> None:
    """Show the machine's ``path`` in the dyno. Links stay links; files and sockets at the top are nobody's business."""
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
    elif os.path.isdir(path):
        os.mkdir(target)
        mount(path, target)


def write_etc(folder: str, files: dict[str, str]) -> None:
    """An /etc that is the machine's but for ``files``; the machine's own entries stay reachable through /.etc."""
    hidden = os.path.join(os.path.dirname(folder), ".etc")
    os.mkdir(hidden)
    mount("/etc", hidden)
    for name in os.listdir("/etc"):
        if name not in files:
            os.symlink(f"/.etc/{name}", f"{folder}/{name}")
    for name, text in files.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)


def show_limit(folder: str, memory_mb: int) -> None:
    """Show the dyno's memory limit where a Cedar dyno has it (cgroup v1), whatever cgroups this machine has."""
    if not os.path.isdir(folder):
        return
    mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    os.mkdir(f"{folder}/memory")
    with open(f"{folder}/memory/memory.limit_in_bytes", "w") as file:
        file.write(f"{memory_mb * 1024 * 1024}\n")


def connect(spec: dict[str, Any]) -> None:
    """Bring up the dyno's end of its cable to the space."""
    address, gateway = spec["address"], spec["gateway"]
    batch = f"link set lo up\naddr add {address}/16 dev eth0\nlink set eth0 up\nroute add default via {gateway}\n"
    subprocess.run(["ip", "-batch", "-"], input=batch.encode(), check=True, capture_output=True)
    socket.sethostname(spec["hostname"])


def start(spec: dict[str, Any]) -> int:
    """Fork the command. Returns its process id."""
    signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)  # or one that comes before the child minds them would be lost
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
        return child
    try:
        os.setsid()
        if spec["tty"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (*IGNORED, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.chdir(spec["cwd"])
        os.execve("/bin/bash", ["bash", "-c", BASH, spec["command"]], spec["env"])
    except BaseException as error:
        print(f"can't start: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(126)


def everybody(dyno: bool) -> list[int]:
    """The processes of this dyno but for this one: all in the PID namespace, or all that descend from here."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it ended while we looked
    if dyno:
        return [pid for pid in parents if pid != 1]
    found, frontier = [], [os.getpid()]
    while frontier:
        here = frontier.pop()
        children = [pid for pid, parent in parents.items() if parent == here]
        found += children
        frontier += children
    return found


def send_all(number: int, dyno: bool) -> int:
    """Send a signal to every process of the dyno, as Heroku does. Returns to how many."""
    count = 0
    for pid in everybody(dyno):
        try:
            os.kill(pid, number)
            count += 1
        except (ProcessLookupError, PermissionError):  # it has ended, or is root's by sudo
            continue
    return count


def reap() -> dict[int, int]:
    """Collect the children that have ended: process id → exit code (128 + the signal, as a shell has it)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        code = os.waitstatus_to_exitcode(status)
        ended[pid] = 128 - code if code < 0 else code


def finish(dyno: bool) -> NoReturn:
    """Kill what is left, wait for it, and end."""
    while send_all(signal.SIGKILL, dyno):
        reap()
        select.select([], [], [], 0.01)
    os._exit(0)


class Control:
    """The line to the box."""

    def __init__(self, handle: int) -> None:
        self.socket = socket.socket(fileno=handle)
        self.socket.set_inheritable(False)
        self.rest = b""

    def say(self, **message: object) -> None:
        """Send a message. A box that is gone is noticed when it is read from."""
        try:
            self.socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def read(self) -> list[dict[str, Any]] | None:
        """The messages that have come since; None when the box is gone."""
        try:
            data = self.socket.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            return None
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def spec(self) -> dict[str, Any]:
        """Wait for the first message."""
        while True:
            messages = self.read()
            if messages is None:
                os._exit(0)
            if messages:
                return messages[0]


def serve(control: Control, child: int, dyno: bool, woken: int) -> None:
    """Pass signals on and collect the dead, until the command itself has ended or the box is gone."""
    while True:
        ready, _, _ = select.select([control.socket.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            ended = reap()
            if child in ended:
                control.say(at="exited", code=ended[child])
                return
        if control.socket.fileno() in ready:
            messages = control.read()
            if messages is None:
                return
            for message in messages:
                send_all(message["signal"], dyno)


def main() -> None:
    """Be the dyno's first process."""
    control = Control(int(sys.argv[1]))
    os.umask(0o022)  # the box's own is stricter
    # Heroku's TERM goes to all; what stops this process is the control socket.
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    dyno = os.getpid() == 1
    control.say(at="born")
    spec = control.spec()
    try:
        if spec["cgroup"]:
            with open(spec["cgroup"], "w") as file:
                file.write("0")
        if spec["namespaces"]:
            connect(spec)
            enter_root(spec)
        child = start(spec)
    except (OSError, subprocess.CalledProcessError) as error:
        control.say(at="failed", why=str(error))
        finish(dyno)
    control.say(at="running")
    for stream in (0, 1, 2):
        os.close(stream)  # or a reader of the command's output would wait for us too
    serve(control, child, dyno, woken)
    finish(dyno)


if __name__ == "__main__":
    main()
