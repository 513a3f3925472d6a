"""``SPACE_PROXY_BASIC_AUTH``: who may see Spark's pages, in the forms that nginx reads.

Source: nginx.org/en/docs/http/ngx_http_auth_basic_module.html#auth_basic_user_file. What begins with ``$`` other than
``$apr1$`` nginx hands to the C library's crypt(3), so which of those there are depends on the system.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import ConfigError

VAR = "SPACE_PROXY_BASIC_AUTH"
EXAMPLE = "spark:{PLAIN}$(openssl rand -hex 16)"
USER = "spark"  # of a value that is a password alone, as the Deploy button's generator makes it
NOTORIOUS = "space"  # spark-in-space's password, which is in its public README
SHORTEST_GENERATED = 16


@dataclass(frozen=True)
class User:
    """A name, and what nginx compares a password with: ``{PLAIN}…``, ``{SHA}…``, ``$apr1$…``, …"""

    name: str
    check: str = field(repr=False)

    def line(self) -> str:
        """The user's line of nginx's file. A plain password is hashed: it is to be in no file."""
        check = ssha(self.check.removeprefix("{PLAIN}")) if self.check.startswith("{PLAIN}") else self.check
        return f"{self.name}:{check}\n"

    def takes(self, password: str) -> bool:
        """Whether this is the password. For ``$apr1$``, which only nginx computes, False."""
        scheme, _, rest = self.check.partition("}")
        if scheme == "{PLAIN":
            return rest == password
        if scheme in ("{SHA", "{SSHA"):
            digest = base64.b64decode(rest)
            return hashlib.sha1(password.encode() + digest[20:]).digest() == digest[:20]
        return crypt(password, self.check) == self.check


def ssha(password: str) -> str:
    """A salted SHA-1, the strongest that every nginx computes in microseconds: it does so for every request."""
    salt = os.urandom(16)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def crypt(password: str, setting: str) -> str | None:
    """crypt(3), which nginx asks. Empty: it has no such scheme; None: this system has no libcrypt to ask."""
    import ctypes  # ten milliseconds that most launchers do not need

    try:
        library = ctypes.CDLL("libcrypt.so.1")
    except OSError:
        return None
    library.crypt.restype = ctypes.c_char_p
    hashed = (library.crypt(password.encode(), setting.encode()) or b"").decode()
    return "" if hashed.startswith("*") else hashed


def users(env: Mapping[str, str]) -> tuple[User, ...]:
    """A user a line; a value without a colon is the password of the user ``spark``. None: the var is not set.

    Raises:
        ConfigError: a line is no user, nginx here can't check its hash, or the password is known to all.
    """
    lines = [line.strip() for line in env.get(VAR, "").splitlines() if line.strip()]
    found = tuple(map(user, lines))
    twice = {each.name for each in found if [other.name for other in found].count(each.name) > 1}
    if twice:
        raise ConfigError(
            VAR, f"must not have a user twice ({', '.join(sorted(twice))}): nginx takes the first", None, EXAMPLE
        )
    for each in found:
        if each.check.startswith("{") and each.takes(NOTORIOUS):
            raise notorious()
    return found


def refuse_unusable(found: Iterable[User]) -> None:
    """Ask crypt(3) about its hashes, which takes up to seconds: only the web process has to.

    Raises:
        ConfigError: it can't check one, or the password is known to all.
    """
    for each in found:
        if not each.check.startswith("$") or each.check.startswith("$apr1$"):
            continue
        hashed = crypt(NOTORIOUS, each.check)
        if hashed == "":
            raise ConfigError(
                VAR, "has a hash that this system's crypt(3), which nginx asks, does not know", None, EXAMPLE
            )
        if hashed == each.check:
            raise notorious()


def notorious() -> ConfigError:
    """The error for spark-in-space's password."""
    return ConfigError(VAR, "must not have the password of spark-in-space's README, which all know", None, EXAMPLE)


def user(line: str) -> User:
    """One user. Nothing of the value is in an error: it may be a password with a slip in it.

    Raises:
        ConfigError: see ``users``.
    """
    if ":" not in line and re.fullmatch(rf"(?![{{$])[!-~]{{{SHORTEST_GENERATED},}}", line):
        return User(USER, "{PLAIN}" + line)
    name, _, check = line.partition(":")
    if not re.fullmatch(r"[!-9;-~]{1,64}", name) or name.startswith("#") or not _is_check(check):
        raise ConfigError(
            VAR,
            "must be user:{PLAIN}password or user:HASH ({SSHA}, {SHA}, apr1, or one of crypt(3)), a line each, or a "
            f"password of at least {SHORTEST_GENERATED} characters alone (what it is is not shown here)",
            None,
            EXAMPLE,
        )
    return User(name, check)


def _is_check(check: str) -> bool:
    if check.startswith("{PLAIN}"):
        return bool(re.fullmatch(r"[^\x00-\x1f\x7f]+", check.removeprefix("{PLAIN}")))
    if match := re.fullmatch(r"\{(S?SHA)\}([A-Za-z0-9+/]+={0,2})", check):
        try:
            digest = base64.b64decode(match[2], validate=True)
        except ValueError:
            return False
        return len(digest) == 20 if match[1] == "SHA" else len(digest) > 20
    apr1 = r"\$apr1\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}"
    crypts = r"\$(1|2[aby]|5|6|7|y|gy)\$[!-9;-~]{10,}"
    return bool(re.fullmatch(f"{apr1}|{crypts}", check))
