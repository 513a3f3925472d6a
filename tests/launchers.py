"""The real files of bin/, started as an operator starts them, but from an environment that means harm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([os.path.dirname(sys.executable), os.defpath])

SECRET = "5f2c-the-secret-of-the-cluster"
S3 = {
    "SPARK_S3_BUCKET_NAME": "my-bucket",
    "SPARK_S3_AWS_ACCESS_KEY_ID": "AKIA-the-key-of-the-bucket",
    "SPARK_S3_AWS_SECRET_ACCESS_KEY": "wJalr-the-secret-of-the-bucket",
}
SECRETS = (SECRET, S3["SPARK_S3_AWS_ACCESS_KEY_ID"], S3["SPARK_S3_AWS_SECRET_ACCESS_KEY"])

# What a Cedar Private Space tells a one-off dyno. The master's name resolves nowhere.
FACTS = {
    "DYNO": "run.1",
    "HEROKU_PRIVATE_IP": "127.0.0.1",
    "HEROKU_DNS_APP_NAME": "myapp.app.localspace",
    "HEROKU_DNS_FORMATION_NAME": "run.myapp.app.localspace",
    "HEROKU_DNS_DYNO_NAME": "1.run.myapp.app.localspace",
    "SPARKSPACE_MASTER_WAIT_S": "0",  # there is none
}
SHADOWED = ("argparse", "dotenv", "jinja2", "json", "requests", "sitecustomize", "tenacity", "sparkspace")

# Prints what it was given: its arguments, its environment, and where it is.
ECHO = """\
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "pid": os.getpid()}))
"""


@dataclass(frozen=True)
class Ended:
    """How a launcher ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """What it said on stderr."""
        return self.stderr.splitlines()

    @property
    def echo(self) -> dict[str, Any]:
        """What a fake program was given, which the launcher became."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


# The kernel kills what is beside a master when that ends; somebody else then has to reap it.
REAPED_WITHIN_S = 5


def run(name: str, *args: str, env: Mapping[str, str], cwd: Path | str | None = None, timeout_s: float = 60) -> Ended:
    """Run ``bin/<name>`` to its end, and see that no process of its group outlives it."""
    process = subprocess.Popen(
        [ROOT / "bin" / name, *args], env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
        ended = Ended(process.returncode, stdout, stderr)
        end = time.monotonic() + REAPED_WITHIN_S
        while is_alive(process.pid) and time.monotonic() < end:
            time.sleep(0.01)
        assert not is_alive(process.pid), f"bin/{name} left a process behind"
        return ended
    finally:
        if is_alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_alive(group: int) -> bool:
    """Whether a process group has a process."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def poison(folder: Path) -> dict[str, str]:
    """Make a folder of traps, and return an environment that leads into them."""
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(
            f"raise SystemExit('took {name} from PYTHONPATH or from the current folder')"
        )
    (folder / "rc").write_text("echo read a startup file; exit 99\n")
    return {
        "PATH": PATH,
        "HOME": "/nonexistent",
        "CDPATH": "/:/usr",
        "ENV": str(folder / "rc"),
        "BASH_ENV": str(folder / "rc"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "JAVA_TOOL_OPTIONS": "-Xmx1m",
        "PYTHONHOME": "/nonexistent",
        "PYTHONPATH": str(folder),
        "PYTHONSTARTUP": str(folder / "sitecustomize.py"),
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "TMPDIR": str(folder),
    }


def fake_program(path: Path) -> Path:
    """A program at ``path`` that prints its arguments and environment as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_name(f"{path.name}.py")
    script.write_text(ECHO)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$0" "$@"\n')
    path.chmod(0o755)
    return path


def fake_spark(home: Path, version: str = "4.3.0") -> Path:
    """A ``SPARK_HOME`` whose programs only tell what they were given."""
    (home / "jars").mkdir(parents=True)
    (home / "jars" / f"spark-core_2.13-{version}.jar").touch()
    for name in ("spark-class", "spark-submit", "spark-shell", "spark-sql", "pyspark"):
        fake_program(home / "bin" / name)
    return home


def only_tools(folder: Path) -> Path:
    """A folder for ``PATH`` with what the launchers' few lines of sh need, and nothing else."""
    folder.mkdir()
    for name in ("dirname", "readlink", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def fake_java(home: Path, version: str = "17.0.15") -> Path:
    """A ``JAVA_HOME`` of a version. Its java can't run anything."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 99\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="Nobody"\nJAVA_VERSION="{version}"\n')
    return home
