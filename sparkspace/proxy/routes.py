"""``Routes``: everything that nginx's configuration depends on, and the text it makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import templates


@dataclass(frozen=True)
class Chosen:
    """A backend that people have chosen: what their cookie holds, and where it is now (``10.1.2.3:8081``)."""

    token: str = field(repr=False)
    address: str


@dataclass(frozen=True)
class Routes:
    """Where requests go. Addresses are ``ip:port``; an empty one: there is none now."""

    app: str
    listen: str
    folder: str
    access_log: str
    workers: int = 1
    as_root: bool = False
    public_url: str = ""
    default: str = ""
    master: str = ""
    history: str = ""
    notebook: str = ""
    chosen: tuple[Chosen, ...] = ()

    @property
    def prefix(self) -> str:
        """The path of the public URL, without a slash at its end."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def public_host(self) -> str:
        """The host, and the port if it has one, of the public URL."""
        return urlsplit(self.public_url).netloc

    @property
    def https_url(self) -> str:
        """Where a request without TLS is sent, if the public URL is one with it."""
        return f"https://{self.public_host}" if urlsplit(self.public_url).scheme == "https" else ""

    @property
    def upstreams(self) -> list[tuple[str, str]]:
        """Name → address of every upstream with keep-alive connections."""
        named = [("default", self.default), ("master", self.master), ("history", self.history)]
        named += [("notebook", self.notebook)]
        named += [(f"chosen{number}", chosen.address) for number, chosen in enumerate(self.chosen, 1)]
        return [(name, address) for name, address in named if address]

    def render(self) -> str:
        """nginx.conf. Every value in it that came from outside has been checked by its form.

        Raises:
            jinja2.UndefinedError: the template uses a name that there is not: a bug.
        """
        own: dict[str, Any] = {name: getattr(self, name) for name in (*vars(self), *_COMPUTED)}
        return templates.environment(regex=re.escape).get_template("nginx.conf.j2").render(own)


_COMPUTED = ("prefix", "public_host", "https_url", "upstreams")
