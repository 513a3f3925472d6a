"""The URL at which a person enters the web process of a box."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from ..box.record import Box
from ..config.users import users
from . import here


def url(box: Box, path: str = "/sparkspace/") -> str:
    """A page's URL, with the first user's name in it; never with the password."""
    parts = urlsplit(box.web)
    found = users(here.of(box).config())
    who = f"{quote(found[0].name, safe='')}@" if found else ""
    return f"{parts.scheme}://{who}{parts.netloc}/{path.lstrip('/')}"
