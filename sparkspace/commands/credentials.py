"""Where the web process is, and the password for it: never on a command line, where every user of a machine sees it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..box import certificate, record
from ..code.push.wire import Entrance
from ..config import checks, users
from ..config.users import User
from ..errors import BoxError, SparkspaceError, UsageError
from ..log import notice
from . import here

URL = "SPARKSPACE_URL"
NO_PASSWORD = f"""\
Set it for this shell:  export {users.VAR}="$(heroku config:get {users.VAR} -a APP)"
or keep it in ~/.netrc: machine HOST login spark password …"""


def entrance(url: str, folder: Path, env: Mapping[str, str]) -> Entrance:
    """The web process at ``url``, or of ``SPARKSPACE_URL``, or of the box that is open in ``folder``.

    Raises:
        UsageError: nobody said where it is, or what the password is.
    """
    wanted = url or env.get(URL, "").strip()
    if wanted:
        return remote(wanted.rstrip("/"), env)
    try:
        box = record.find(record.app_folder(folder))
    except BoxError as error:
        cure = f"bin/sparkspace push --url https://myapp.herokuapp.com   (or set {URL}; or open a box here)"
        raise UsageError(f"Where is the cluster? {error.message}", cure) from None
    if not box.web:
        raise UsageError("The box that is open here has no web process.", "Add to the Procfile: web: bin/space-proxy")
    user = plain(users.users(here.of(box).config()), "")
    if user is None:
        raise UsageError("The box's password is a hash, which is no password.", NO_PASSWORD)
    authority = Path(box.folder) / certificate.AUTHORITY
    return Entrance(box.web, *user, str(authority) if authority.exists() else "")


def remote(url: str, env: Mapping[str, str]) -> Entrance:
    """A web process elsewhere.

    Raises:
        UsageError: it is no URL, has a password in it, or there is none anywhere.
    """
    parts = urlsplit(url)
    if not checks.is_web_url(url) or parts.fragment:
        raise UsageError("The URL must be like https://myapp.herokuapp.com.", "See: bin/sparkspace push --help")
    if parts.password is not None:
        raise UsageError("A password must not be in a URL: every user of this machine could see it.", NO_PASSWORD)
    host = parts.netloc.rpartition("@")[2]
    name = unquote(parts.username or "")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        notice("Without TLS the password goes over the wire as it is: use an https:// URL.")
    user = plain(users.users(env), name) or kept(str(parts.hostname), name) or asked(host, name)
    return Entrance(f"{parts.scheme}://{host}{parts.path}", *user)


def plain(found: tuple[User, ...], name: str) -> tuple[str, str] | None:
    """The first user, or the one of this name, of whom the password itself is known."""
    for user in found:
        if user.check.startswith("{PLAIN}") and name in ("", user.name):
            return user.name, user.check.removeprefix("{PLAIN}")
    return None


def kept(host: str, name: str) -> tuple[str, str] | None:
    """What ``~/.netrc`` has for this host.

    Raises:
        UsageError: it can't be read.
    """
    import netrc

    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError) as error:
        raise UsageError(f"~/.netrc can't be read: {error}.") from None
    return (found[0], found[2] or "") if found and name in ("", found[0]) else None


def asked(host: str, name: str) -> tuple[str, str]:
    """What somebody types.

    Raises:
        UsageError: nobody is there.
    """
    user = name or users.USER
    if not sys.stdin.isatty():
        raise UsageError(f"What is the password of {user} at {host}?", NO_PASSWORD)
    try:
        return user, getpass.getpass(f"Password of {user} at {host}: ")
    except EOFError:
        raise SparkspaceError("No password was given.") from None
