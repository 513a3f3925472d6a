"""Whether a .class file is whole. Its form says where it ends: chapter 4 of the Java Virtual Machine Specification."""

from __future__ import annotations

import struct

MAGIC = b"\xca\xfe\xba\xbe"
UTF8, WIDE = 1, (5, 6)  # text has its length before it; long and double take two places of the constant pool
SIZES = {7: 2, 8: 2, 16: 2, 19: 2, 20: 2, 15: 3, 3: 4, 4: 4, 9: 4, 10: 4, 11: 4, 12: 4, 17: 4, 18: 4, 5: 8, 6: 8}


def is_whole(content: bytes) -> bool:
    """Whether this is one class file from its beginning to its end, and nothing after it."""
    try:
        return content[:4] == MAGIC and _end(content) == len(content)
    except (struct.error, KeyError):
        return False


def _end(content: bytes) -> int:
    at = _after_constants(content) + 6  # access flags, this class, its superclass
    at += 2 + 2 * _u2(content, at)  # interfaces
    for _ in ("fields", "methods"):
        count, at = _u2(content, at), at + 2
        for _ in range(count):
            at = _after_attributes(content, at + 6)
    return _after_attributes(content, at)


def _after_constants(content: bytes) -> int:
    left, at = _u2(content, 8) - 1, 10
    while left > 0:
        tag = content[at] if at < len(content) else 0
        at += 1 + (2 + _u2(content, at + 1) if tag == UTF8 else SIZES[tag])
        left -= 2 if tag in WIDE else 1
    return at


def _after_attributes(content: bytes, at: int) -> int:
    count, at = _u2(content, at), at + 2
    for _ in range(count):
        at += 6 + int(struct.unpack_from(">I", content, at + 2)[0])
    return at


def _u2(content: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", content, at)[0])
