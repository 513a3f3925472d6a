"""Whom JupyterLab lets in: requests that the web process has signed, and nobody else of the space.

JupyterLab loads this by its name (``ServerApp.identity_provider_class``).
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.auth import IdentityProvider, User

from ..cluster.signature import SENDER, Guard, Key

KEY = "notebook"


class Signed(IdentityProvider):
    """A user is who the web process says that it has checked the password of. There is no token, and no login."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  # traitlets'
        super().__init__(**options)
        self._guard = Guard(Key(os.environ["SPARKSPACE_SECRET"], KEY))

    def _token_default(self) -> str:
        return ""  # JupyterLab writes the token into its page

    @property
    def auth_enabled(self) -> bool:
        """Without a token Jupyter would take everybody for welcome."""
        return True

    @property
    def login_available(self) -> bool:
        """It is the web process that asks for a password."""
        return False

    logout_available = login_available

    def get_user(self, handler: Any) -> User | None:  # noqa: ANN401  # tornado's RequestHandler
        """The sender of a signed request, which is good for once; None for every other."""
        request = handler.request
        if not hasattr(request, "_signed_by"):
            is_signed = self._guard.body_of(request.method, request.uri, request.headers) is not None
            request._signed_by = request.headers.get(SENDER, "") if is_signed else None
        name = request._signed_by
        return None if name is None else User(username=name or "spark", name=name or "spark", display_name=name)

    def is_token_authenticated(self, handler: Any) -> bool:  # noqa: ANN401
        """No: a browser sent it, so Jupyter's own guard against forged forms stays up."""
        return False
