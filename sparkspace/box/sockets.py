"""The sockets of a box on this machine's loopback: made before it opens, and handed down to it."""

from __future__ import annotations

import socket

from ..errors import BoxError, UsageError


def url_of(listener: socket.socket, tls: bool) -> str:
    """Where a socket of ours is reached."""
    return f"{'https' if tls else 'http'}://{address_of(listener)}"


def address_of(listener: socket.socket) -> str:
    """Host and port of a socket of ours."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


def listening_socket(port: int) -> socket.socket:
    """A socket on this machine's loopback.

    Raises:
        BoxError: the port is taken, or not for us.
        UsageError: it is no port.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OverflowError:
        raise UsageError(f"{port} is not a port: it must be from 0 to 65535.") from None
    except OSError as error:
        listener.close()
        raise BoxError(
            f"Port {port} of this machine can't be had: {error.strerror}.",
            "Leave the option out, and a free one is taken.",
        ) from None
    return listener
