"""Jars rewritten for a slug: their entries as they are, not compressed.

A slug is compressed as a whole, and that finds what class files have in common: where each of them has been compressed
by itself before, there is nothing left to find. Spark's jars weigh a quarter less in a slug this way (bench/slug.py).
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

# Java takes a class-data archive only while each jar has the date that it had: one made anew must have the same.
DATE = 315_532_800  # 1 January 1980, where the dates of zip files begin
SIGNATURE = re.compile(r"META-INF/[^/]+\.(SF|RSA|DSA|EC)")


def store(jar: Path, is_unwanted: Callable[[str], bool] = lambda entry: False) -> int:
    """Rewrite a jar in its place.

    Args:
        jar: the file. Entries keep their order and their dates; folders stay too, for a ``META-INF/INDEX.LIST`` names
            them, and Java refuses a jar whose list is wrong.
        is_unwanted: which entries to leave out, by path inside the jar. Signatures are left out too: what was fetched
            has been checked already, and Java archives no class of a signed jar (Janino's, which every query needs).

    Returns:
        Compressed bytes left out.
    """
    left_out = 0
    fresh = jar.with_suffix(".stored")
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            if SIGNATURE.fullmatch(entry.filename):
                continue
            if is_unwanted(entry.filename):
                left_out += entry.compress_size
            else:
                target.writestr(plain(entry), source.read(entry))
    os.utime(fresh, (DATE, DATE))
    fresh.replace(jar)
    return left_out


def plain(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The entry of a zip, not compressed."""
    stored = zipfile.ZipInfo(entry.filename, entry.date_time)
    stored.external_attr = entry.external_attr
    return stored
