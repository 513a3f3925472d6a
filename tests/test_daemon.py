"""pyspark's daemon as executors run it: one for a version of the user's code ends when nobody needs it any more."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "sparkspace" / "code" / "python"
CODE = 1  # pyspark's own, however its daemon ends
PROGRAM = """
import runpy, sys
source = open(sys.argv[1]).read().replace("IDLE_S = 90.0", "IDLE_S = 1.5")
exec(compile(source, sys.argv[1], "exec"), {"__name__": "__main__"})
"""


def daemon(**env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(FOLDER / "sparkspace_daemon.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHON_WORKER_FACTORY_SECRET": "x", **env},
    )  # fmt: skip


def port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout
    return struct.unpack("!i", process.stdout.read(4))[0]


def test_it_ends_when_idle() -> None:
    with daemon(SPARKSPACE_CODE="abc") as process:
        port(process)
        assert process.wait(60) == CODE


def test_it_stays_for_a_worker() -> None:
    with daemon(SPARKSPACE_CODE="abc") as process, socket.create_connection(("127.0.0.1", port(process)), 60) as worker:
        assert struct.unpack("!i", worker.recv(4))[0] > 0  # the pid of a worker, which waits for its work
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(4)
        worker.close()
        assert process.wait(60) == CODE


def test_the_usual_one_stays() -> None:
    with daemon() as process:
        port(process)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(4)
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == CODE
