"""Become a program that SIGTERM does not reach, whatever handlers it installs.

Heroku sends SIGTERM to every process of a dyno at once, and nginx takes it for "stop now, and drop everybody"; QUIT is
its graceful stop. So SIGTERM is ignored, which survives an exec, and a seccomp filter answers "done" to every later
attempt to install a handler for it (seccomp(2), BPF in include/uapi/linux/filter.h). It runs by path, with the standard
library alone: ``python -I -S deaf.py PROGRAM ARGUMENT…``. Where the kernel refuses, the program just isn't deaf.
"""

import ctypes
import os
import platform
import signal
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
ALLOW, DONE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with errno 0: skipped, and returns 0
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little-endian
# Machine → AUDIT_ARCH_…, the number of rt_sigaction.
MACHINES = {"x86_64": (0xC000003E, 13), "aarch64": (0xC00000B7, 134)}


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def deny_handlers(number: int) -> bool:
    """From now on, here and in all that descends from here, ``number`` keeps its disposition. False: not possible."""
    if platform.machine() not in MACHINES:
        return False
    architecture, rt_sigaction = MACHINES[platform.machine()]
    lines = [
        (LOAD, 0, 0, ARCHITECTURE), (EQUAL, 0, 5, architecture),
        (LOAD, 0, 0, NUMBER), (EQUAL, 0, 3, rt_sigaction),
        (LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, number),
        (RETURN, 0, 0, DONE), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    text = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in lines))
    program = Program(len(lines), ctypes.cast(text, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def main() -> None:
    """Become the program. It is told to stop when the process that started it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the web process, which then says QUIT
    if not all([deny_handlers(signal.SIGTERM), deny_handlers(signal.SIGINT)]):
        print("sparkspace at=nginx warning=this-kernel-can-not-make-it-stop-gracefully", file=sys.stderr, flush=True)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
