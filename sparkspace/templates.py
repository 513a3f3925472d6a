"""The templates of conf files, strict and without HTML, compiled once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

FOLDER = Path(__file__).resolve().parent.parent / "conf-templates"
COMPILED = "__pycache__"  # in that folder; a launcher would compile them at each start


def environment(folder: Path = FOLDER, **filters: Callable[[str], str]) -> Environment:
    """The templates of a folder, with these filters: each kind of file escapes by its own.

    An unknown name is an error (``jinja2.UndefinedError``).
    """
    found = Environment(
        loader=Named(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        bytecode_cache=Compiled(folder / COMPILED),
    )
    found.filters.update(filters)
    return found


class Named(FileSystemLoader):
    """Templates known by the names of their folder and file: compiled ones would tell where they were built."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source, what errors call it, and whether it is still the same."""
        source, path, is_same = super().get_source(environment, template)
        return source, os.path.join(*Path(path).parts[-2:]), is_same


class Compiled(BytecodeCache):
    """Templates that were compiled, by their names: a slug is built at one place and runs at another.

    jinja2 itself uses none that is of another source, or of another version of Python or jinja2 (``Bucket``). Without
    the folder, or in one that can't be written, nothing is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """The name of the template."""
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take it, if it is there and fits."""
        with contextlib.suppress(OSError), (self._folder / f"{bucket.key}c").open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, whole or not at all: another launcher may read meanwhile."""
        with contextlib.suppress(OSError):
            handle, fresh = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                bucket.write_bytecode(file)
            os.replace(fresh, self._folder / f"{bucket.key}c")
