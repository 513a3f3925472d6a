"""Where names are now: dynos get another address at every restart."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time

RESOLVE_WITHIN_S = 3.0
# A resolver that fails for a moment says nothing; a name that is gone is gone at once: its address may be another's.
REMEMBERED_FOR_S = 30.0


class Places:
    """Looks names up, and remembers the last answer for a moment."""

    def __init__(self, own_ip: str) -> None:
        self._own = ipaddress.ip_address(own_ip)
        self._known: dict[str, tuple[str, float]] = {}

    async def locate(self, host: str, port: int) -> str:
        """``ip:port``; empty when there is no such name, or it points to where no dyno can be."""
        lookup = asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.wait_for(lookup, RESOLVE_WITHIN_S)
        except (OSError, asyncio.TimeoutError) as error:
            if isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
                self._known.pop(host, None)
            return self._remembered(host, port)
        address = next((str(entry[4][0]) for entry in found if self._is_a_dynos(str(entry[4][0]))), "")
        self._known[host] = (address, time.monotonic())
        return f"{address}:{port}" if address else ""

    def _remembered(self, host: str, port: int) -> str:
        address, at = self._known.get(host, ("", 0.0))
        return f"{address}:{port}" if address and time.monotonic() - at < REMEMBERED_FOR_S else ""

    def _is_a_dynos(self, address: str) -> bool:
        """A private address, and no loopback unless our own is one (a box); never link-local, where metadata is."""
        ip = ipaddress.ip_address(address)
        return (
            ip.is_private and not ip.is_link_local and not ip.is_unspecified and ip.is_loopback == self._own.is_loopback
        )
