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
            return code.replace(co_filename=path)
    code = compiled(path, key[1], content)
    with contextlib.suppress(OSError):
        os.makedirs(codes, exist_ok=True)
        temporary = f"{file}.{os.getpid()}.{threading.get_ident()}"
        with open(temporary, "wb") as stream:
            marshal.dump(code, stream)
        os.replace(temporary, file)
    return code


def code_name(key: tuple[str, str]) -> str:
    """The file of compiled code: of one source under one name."""
    return hashlib.sha256("\0".join(key).encode()).hexdigest()
