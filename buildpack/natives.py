"""Native libraries inside jars: which are for this machine."""

from __future__ import annotations

import re

LIBRARY = re.compile(r"\.(so|dll|dylib|jnilib|a)$")
# How the libraries that Spark brings spell a machine in their paths: librocksdbjni-linux64.so, linux/amd64/…,
# Linux/x86_64/…, libnetty_transport_native_epoll_x86_64.so; what follows may not be -musl.
SPELLINGS = {"x86_64": r"64|amd64|x86[-_]64", "aarch64": r"aarch_?64|arm64"}


def is_foreign(entry: str, machine: str) -> bool:
    """Whether an entry of a jar is a library for another machine.

    Args:
        entry: its path inside the jar.
        machine: as ``uname -m`` has it. One without a spelling here has no foreign libraries: all stay.
    """
    if machine not in SPELLINGS or not LIBRARY.search(entry):
        return False
    return not re.search(rf"(?i)(linux[-_/]?|epoll_)({SPELLINGS[machine]})[/.]", entry)
