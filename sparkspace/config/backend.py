"""A backend: a port of a dyno that has pages for people, written ``2.worker.myapp.app.localspace:8081``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .. import ports
from ..errors import ConfigError
from . import checks

_FORM = re.compile(
    r"([1-9][0-9]{0,2}\.[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.([a-z][a-z0-9-]{1,28}[a-z0-9])\.app\.localspace):([0-9]{4,5})",
    re.ASCII,
)


@dataclass(frozen=True)
class Backend:
    """A dyno's name, its app, and one of ``ports.PAGES``."""

    host: str
    app: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def dyno(self) -> str:
        """``worker.2`` of ``2.worker.myapp.app.localspace``."""
        number, process_type, _ = self.host.split(".", 2)
        return f"{process_type}.{number}"

    @classmethod
    def parse(cls, text: str) -> Backend | None:
        """``N.type.app.app.localspace:port``, to the letter; None for everything else, however near."""
        match = _FORM.fullmatch(text)
        if not match or int(match[3]) not in ports.PAGES or match[3] != str(int(match[3])):
            return None
        return cls(match[1], match[2], int(match[3]))

    @classmethod
    def from_env(cls, env: Mapping[str, str], var: str) -> Backend | None:
        """The backend that a config var names; None: not set.

        Raises:
            ConfigError: it names none.
        """
        found = checks.text(env, var)
        backend = cls.parse(found)
        if found and backend is None:
            raise ConfigError(
                var,
                "must be a dyno of the space and a port of Spark's pages (8080, 8081, 4040 to 4060, 18080, 8888)",
                found,
                "1.master.APP.app.localspace:8080",
            )
        return backend
