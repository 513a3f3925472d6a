"""Compiled code, kept for as long as a version has its source: an edit leaves most files as they were."""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import threading
from types import CodeType

from .modules import compiled


def stored(codes: str, path: str, key: tuple[str, str], content: bytes) -> CodeType:
    """Compiled code, from this executor's store or into it."""
    file = os.path.join(codes, code_name(key))
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
        with open(file, "rb") as stream:
            code: CodeType = marshal.load(stream)
            return relocated(code, path)
    code = compiled(path, key[1], content)
    with contextlib.suppress(OSError):
        os.makedirs(codes, exist_ok=True)
        temporary = f"{file}.{os.getpid()}.{threading.get_ident()}"
        with open(temporary, "wb") as stream:
            marshal.dump(code, stream)
        os.replace(temporary, file)
    return code


def relocated(code: CodeType, path: str) -> CodeType:
    """The same code from another file, with all functions in it: they ask where they are, to read what lies there."""
    if code.co_filename == path:
        return code
    inner = (relocated(each, path) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_filename=path, co_consts=tuple(inner))


def code_name(key: tuple[str, str]) -> str:
    """The file of compiled code: of one source under one name."""
    return hashlib.sha256("\0".join(key).encode()).hexdigest()
