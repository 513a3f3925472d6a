"""A slug's dynos on one machine: each has an address of its own and a name, in a network that nobody else is in."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sparkspace.box import network

from ..launchers import SECRET
from .build import STACK, Slug

APP = "myapp.app.localspace"
ADDRESSES = {
    "master": "127.0.0.2",
    "worker": "127.0.0.3",
    "s3": "127.0.0.4",
    "history": "127.0.0.5",
    "run": "127.0.0.6",
}
# The names are the machine's own hosts file, there and nowhere else.
OPEN = 'ip link set lo up && mount --bind "$0" /etc/hosts && echo open && exec cat'


@dataclass
class Space:
    """A network, mounts and processes of their own: when this ends, the kernel ends all that was started in it."""

    slug: Slug
    config: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Space:
        self.folder = self.slug.folder.parent
        self._started: list[subprocess.Popen[str]] = []
        (self.folder / "tmp").mkdir(exist_ok=True)
        hosts = self.folder / "hosts"
        names = {"127.0.0.1": f"localhost {socket.gethostname()}"}
        names |= {address: f"1.{kind}.{APP}" for kind, address in ADDRESSES.items()}
        hosts.write_text("".join(f"{address} {name}\n" for address, name in names.items()))
        command = [*network.space_command(), "bash", "-c", OPEN, str(hosts)]
        self._unshare = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._unshare.stdout and self._unshare.stdout.readline() == "open\n"
        self._first = psutil.Process(self._unshare.pid).children()[0].pid
        return self

    def __exit__(self, *_: object) -> None:
        self._unshare.communicate(timeout=30)  # its first process has read its last, and all others go with it
        for dyno in self._started:
            dyno.wait(30)

    def start(self, kind: str, command: str, **config: str) -> subprocess.Popen[str]:
        """A dyno that runs on; what it says goes into its log. A kind that is no process type is a one-off dyno."""
        entered = self._dyno(kind, command, config)
        with self.log(kind).open("w") as log:
            dyno = subprocess.Popen(entered, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True)
        self._started.append(dyno)
        return dyno

    def run(self, command: str, stdin: str = "", timeout_s: float = 900, **config: str) -> Ended:
        """A one-off dyno, until it ends."""
        done = subprocess.run(
            self._dyno("run", command, config), input=stdin, capture_output=True, text=True, timeout=timeout_s
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def log(self, kind: str) -> Path:
        """The log of a dyno that was started."""
        return self.folder / f"{kind}.log"

    def _dyno(self, kind: str, command: str, config: Mapping[str, str]) -> list[str]:
        kind = kind if kind in ADDRESSES else "run"
        home = str(self.slug.folder)
        env = {
            **STACK,
            "HOME": home,
            "PATH": f"{home}/.heroku/python/bin:{home}/.jdk/bin:{STACK['PATH']}",
            "TMPDIR": str(self.folder / "tmp"),
            "DYNO": f"{kind}.1",
            "DYNO_RAM": "2560",
            "HEROKU_PRIVATE_IP": ADDRESSES[kind],
            "HEROKU_DNS_APP_NAME": APP,
            "HEROKU_DNS_FORMATION_NAME": f"{kind}.{APP}",
            "HEROKU_DNS_DYNO_NAME": f"1.{kind}.{APP}",
            "SPARKSPACE_SECRET": SECRET,
            **self.config,
            **config,
        }
        profile = f'cd "$HOME"; for f in .profile.d/*.sh; do . "$f"; done; {command}'
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = ["nsenter", f"--target={self._first}", *user, "--net", "--mount", "--pid"]
        variables = [f"{name}={value}" for name, value in env.items()]
        return [*enter, "env", "-i", *variables, "bash", "-c", profile]


@dataclass(frozen=True)
class Ended:
    """How a one-off dyno ended."""

    code: int
    stdout: str
    stderr: str
