"""The cookie that chooses a backend: sealed, so that one that was made elsewhere means nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from ..config import Backend, User


class Seal:
    """Seals backends with a key made from the passwords: a cookie outlives a restart, and not a change of password."""

    def __init__(self, users: Iterable[User], app_domain: str) -> None:
        lines = "\n".join(f"{user.name}:{user.check}" for user in users)
        # Slow on purpose: the cookie goes to backends too, and must be no quick way to try passwords on.
        self._key = hashlib.scrypt(lines.encode(), salt=f"backend cookie of {app_domain}".encode(), n=2**14, r=8, p=1)

    def token(self, backend: Backend) -> str:
        """What the cookie holds: the backend's name, and its seal."""
        return f"{backend}-{hmac.new(self._key, str(backend).encode(), hashlib.sha256).hexdigest()[:40]}"

    def open(self, token: str) -> Backend | None:
        """The backend that a token of ours names; None: it is not ours."""
        backend = Backend.parse(token.rpartition("-")[0])
        sent = token.encode(errors="surrogateescape")  # a header is bytes, and may be no text
        return backend if backend and hmac.compare_digest(self.token(backend).encode(), sent) else None
